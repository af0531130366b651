//! The wording of the demonstration's letters. Offices are real, all that they say and everybody named here is made up.

use super::sheet::Sheet;
use super::{AGENCY, Medium, OTHER_VILLAGE, VILLAGE};

pub(super) struct Text {
    pub(super) file_name: &'static str,
    pub(super) medium: Medium,
    pub(super) owner: &'static str,
    pub(super) title: &'static str,
    pub(super) number: &'static str,
    pub(super) date: &'static str,
    pub(super) kind: &'static str,
    pub(super) class: &'static str,
    pub(super) urgency: &'static str,
    pub(super) reach: &'static str,
    pub(super) classification: &'static str,
    pub(super) sender: &'static str,
    pub(super) recipient: &'static str,
    pub(super) summary: &'static str,
    pub(super) body: fn(&mut Sheet),
}

/// What most letters have; each entry of [`ALL`] says where it differs.
const USUAL: Text = Text {
    file_name: "",
    medium: Medium::Typeset,
    owner: AGENCY,
    title: "",
    number: "",
    date: "",
    kind: "surat",
    class: "biasa",
    urgency: "biasa",
    reach: "kantor",
    classification: "",
    sender: DPMD,
    recipient: "",
    summary: "",
    body: |_| {},
};

const DPMD: &str = "Dinas Pemberdayaan Masyarakat dan Desa";
const SETIA_MULYA: &str = "Pemerintah Desa Setia Mulya";
const PUSAKA_RAKYAT: &str = "Pemerintah Desa Pusaka Rakyat";

pub(super) const ALL: &[Text] = &[
    Text {
        file_name: "undangan-rapat-penyaluran-dana-desa.pdf",
        title: "Undangan rapat koordinasi penyaluran Dana Desa tahap II",
        number: "200.2.10.2/1595/DPMD/2025",
        date: "2025-11-03",
        kind: "undangan",
        urgency: "segera",
        reach: "kabupaten",
        classification: "200.2.10.2",
        recipient: "Kepala Desa se-Kabupaten Bekasi",
        summary: "Rapat hari Selasa 11 November 2025 pukul 09.00 di aula dinas; membawa rekening koran kas desa.",
        body: invitation,
        ..USUAL
    },
    Text {
        file_name: "permohonan-data-apbdes-2026.pdf",
        title: "Permohonan data rancangan APBDes Tahun Anggaran 2026",
        number: "400.10.2.2/1621/DPMD/2025",
        date: "2025-11-10",
        urgency: "penting",
        reach: "kabupaten",
        classification: "400.10.2.2",
        recipient: "Kepala Desa se-Kabupaten Bekasi",
        summary: "Ringkasan rancangan APBDes disampaikan paling lambat 5 Desember 2025.",
        body: data_request,
        ..USUAL
    },
    Text {
        file_name: "edaran-kesiapsiagaan-banjir.pdf",
        title: "Surat edaran kesiapsiagaan menghadapi musim hujan dan banjir",
        number: "300.2.3/1650/DPMD/2025",
        date: "2025-11-17",
        kind: "surat edaran",
        reach: "kabupaten",
        classification: "300.2.3",
        recipient: "Camat dan Kepala Desa se-Kabupaten Bekasi",
        summary: "Pos siaga, pembersihan saluran, dan nomor laporan selama musim hujan.",
        body: circular,
        ..USUAL
    },
    Text {
        file_name: "keputusan-kades-tim-siaga-bencana.pdf",
        owner: VILLAGE,
        title: "Keputusan Kepala Desa Setia Mulya tentang Tim Siaga Bencana Desa",
        number: "188.4/Kep.07-Ds.SM/2025",
        date: "2025-11-20",
        kind: "keputusan",
        classification: "100.3.3.3",
        sender: SETIA_MULYA,
        summary: "Pembentukan tim, tugas, pembiayaan, dan susunan anggota dalam lampiran.",
        body: decree,
        ..USUAL
    },
    Text {
        file_name: "berita-acara-musyawarah-desa.pdf",
        owner: VILLAGE,
        title: "Berita acara musyawarah desa penyusunan RKPDes 2026",
        number: "400.10.2/112/Ds.SM/2025",
        date: "2025-09-25",
        kind: "berita acara",
        classification: "400.10.2",
        sender: SETIA_MULYA,
        summary: "Lima kegiatan prioritas disepakati; jalan lingkungan dan drainase di urutan pertama.",
        body: minutes,
        ..USUAL
    },
    Text {
        file_name: "pindaian-permohonan-perbaikan-tanggul.pdf",
        medium: Medium::Scanned,
        owner: VILLAGE,
        title: "Permohonan perbaikan tanggul Kali Blencong",
        number: "600.1.2/134/Ds.SM/2025",
        date: "2025-11-21",
        urgency: "segera",
        classification: "600.1.2",
        sender: SETIA_MULYA,
        recipient: "Kepala Dinas Pemberdayaan Masyarakat dan Desa",
        summary: "Tanggul retak sepanjang 40 meter di Dusun II; mohon peninjauan bersama.",
        body: embankment,
        ..USUAL
    },
    Text {
        file_name: "laporan-realisasi-dana-desa-tahap-1.pdf",
        owner: OTHER_VILLAGE,
        title: "Laporan realisasi penyerapan Dana Desa tahap I Tahun 2025",
        number: "900.1.4/087/Ds.PR/2025",
        date: "2025-08-14",
        kind: "laporan",
        class: "terbatas",
        classification: "900.1.4",
        sender: PUSAKA_RAKYAT,
        recipient: "Kepala Dinas Pemberdayaan Masyarakat dan Desa",
        summary: "Penyerapan 91,4 persen; sisa pekerjaan jembatan selesai bulan September.",
        body: spending_report,
        ..USUAL
    },
    Text {
        file_name: "usulan-penerima-blt-desa.pdf",
        owner: VILLAGE,
        title: "Usulan keluarga penerima manfaat BLT Desa",
        number: "400.9.4/141/Ds.SM/2025",
        date: "2025-11-24",
        class: "rahasia",
        urgency: "penting",
        classification: "400.9.4",
        sender: SETIA_MULYA,
        recipient: "Kepala Dinas Pemberdayaan Masyarakat dan Desa",
        summary: "Hasil verifikasi rumah tangga; memuat keterangan pribadi.",
        body: aid_list,
        ..USUAL
    },
    Text {
        file_name: "surat-tugas-pendampingan-siskeudes.pdf",
        title: "Surat tugas pendampingan Siskeudes di Kecamatan Tarumajaya",
        number: "800.1.11.1/1672/DPMD/2025",
        date: "2025-11-19",
        kind: "surat tugas",
        classification: "800.1.11.1",
        recipient: "Tim pendamping",
        summary: "Dua petugas mendampingi delapan desa pada 24 sampai 28 November 2025.",
        body: assignment,
        ..USUAL
    },
];

fn agency_head(sheet: &mut Sheet) {
    sheet.letterhead(
        "PEMERINTAH KABUPATEN BEKASI",
        "DINAS PEMBERDAYAAN MASYARAKAT DAN DESA",
        "Komplek Perkantoran Pemerintah Kabupaten, Desa Sukamahi, Cikarang Pusat 17530",
    );
}

fn village_head(sheet: &mut Sheet, village: &str) {
    sheet.letterhead(
        "PEMERINTAH KABUPATEN BEKASI - KECAMATAN TARUMAJAYA",
        village,
        "Kantor Kepala Desa, Kecamatan Tarumajaya, Kabupaten Bekasi",
    );
}

fn to_all_villages(sheet: &mut Sheet) {
    sheet.lines(&["Yth. Sdr. Kepala Desa se-Kabupaten Bekasi", "di Tempat"]);
}

fn signed_by_agency(sheet: &mut Sheet) {
    sheet.signature("Kepala Dinas,", "Drs. RAHMAT CONTOH, M.Si.", "Pembina Utama Muda");
}

fn signed_by_village(sheet: &mut Sheet) {
    sheet.signature("Kepala Desa Setia Mulya,", "H. SUPARDI CONTOH", "");
}

fn invitation(sheet: &mut Sheet) {
    agency_head(sheet);
    sheet.place_and_day("Cikarang Pusat, 3 November 2025");
    sheet.details(&[
        ("Nomor", "200.2.10.2/1595/DPMD/2025"),
        ("Sifat", "Segera"),
        ("Lampiran", "1 (satu) lembar"),
        ("Hal", "Undangan rapat koordinasi penyaluran Dana Desa tahap II"),
    ]);
    to_all_villages(sheet);
    sheet.paragraph(
        "Dalam rangka kelancaran penyaluran Dana Desa tahap II Tahun Anggaran 2025 dan agar tidak ada desa yang \
         tertinggal pada akhir tahun, kami mengundang Saudara bersama kaur keuangan untuk hadir pada:",
    );
    sheet.details(&[
        ("Hari, tanggal", "Selasa, 11 November 2025"),
        ("Pukul", "09.00 WIB sampai selesai"),
        ("Tempat", "Aula Dinas Pemberdayaan Masyarakat dan Desa, lantai 2"),
        ("Acara", "Pencocokan laporan tahap I dan kelengkapan berkas tahap II"),
    ]);
    sheet.paragraph("Untuk itu setiap desa membawa:");
    sheet.numbered(&[
        "rekening koran kas desa bulan Januari sampai dengan Oktober 2025;",
        "laporan realisasi penyerapan dan capaian keluaran tahap I yang sudah ditandatangani;",
        "peraturan desa tentang perubahan APBDes, bila ada.",
    ]);
    sheet.paragraph("Mengingat pentingnya acara ini, kehadiran tidak diwakilkan. Demikian, atas perhatian Saudara diucapkan terima kasih.");
    signed_by_agency(sheet);
}

fn data_request(sheet: &mut Sheet) {
    agency_head(sheet);
    sheet.place_and_day("Cikarang Pusat, 10 November 2025");
    sheet.details(&[
        ("Nomor", "400.10.2.2/1621/DPMD/2025"),
        ("Sifat", "Penting"),
        ("Lampiran", "-"),
        ("Hal", "Permohonan data rancangan APBDes Tahun Anggaran 2026"),
    ]);
    to_all_villages(sheet);
    sheet.paragraph(
        "Sehubungan dengan persiapan evaluasi rancangan Anggaran Pendapatan dan Belanja Desa Tahun Anggaran 2026, \
         bersama ini kami mohon Saudara menyampaikan data sebagai berikut:",
    );
    sheet.numbered(&[
        "perkiraan pendapatan desa menurut sumbernya;",
        "pagu belanja setiap bidang, termasuk penyertaan modal kepada BUM Desa;",
        "jadwal musyawarah bersama Badan Permusyawaratan Desa;",
        "nama dan nomor telepon petugas yang dapat dihubungi.",
    ]);
    sheet.paragraph(
        "Data disampaikan paling lambat hari Jumat, 5 Desember 2025. Desa yang mengalami kendala jaringan dapat \
         menyerahkan berkas melalui kecamatan. Atas kerja sama Saudara kami ucapkan terima kasih.",
    );
    signed_by_agency(sheet);
}

fn circular(sheet: &mut Sheet) {
    agency_head(sheet);
    sheet.heading(&["SURAT EDARAN", "NOMOR 300.2.3/1650/DPMD/2025"]);
    sheet.heading(&["TENTANG", "KESIAPSIAGAAN DESA MENGHADAPI MUSIM HUJAN DAN BANJIR"]);
    sheet.lines(&["Yth. Camat dan Kepala Desa se-Kabupaten Bekasi"]);
    sheet.paragraph(
        "Memasuki puncak musim hujan, desa di sepanjang aliran Kali Bekasi, Kali Cikarang dan pesisir utara perlu \
         menyiapkan diri terhadap luapan air. Bersama ini disampaikan hal-hal berikut:",
    );
    sheet.numbered(&[
        "Mengaktifkan pos siaga di kantor desa dan menunjuk petugas jaga malam selama bulan November sampai Februari.",
        "Melaksanakan kerja bakti membersihkan saluran air, gorong-gorong dan sampah di bawah jembatan sekurang-kurangnya \
         satu kali setiap dua minggu.",
        "Mendata keluarga yang memerlukan bantuan khusus saat mengungsi: lanjut usia, penyandang disabilitas, ibu hamil \
         dan balita. Data disimpan di kantor desa dan tidak diumumkan.",
        "Menentukan titik kumpul dan jalur pengungsian serta memberitahukannya kepada warga melalui RT dan RW.",
        "Melaporkan kejadian paling lambat satu jam setelah diketahui melalui camat.",
    ]);
    sheet.paragraph("Demikian surat edaran ini untuk dilaksanakan dengan sebaik-baiknya.");
    sheet.place_and_day("Cikarang Pusat, 17 November 2025");
    signed_by_agency(sheet);
}

fn decree(sheet: &mut Sheet) {
    village_head(sheet, "DESA SETIA MULYA");
    sheet.heading(&["KEPUTUSAN KEPALA DESA SETIA MULYA", "NOMOR 188.4/Kep.07-Ds.SM/2025"]);
    sheet.heading(&["TENTANG", "PEMBENTUKAN TIM SIAGA BENCANA DESA"]);
    sheet.heading(&["KEPALA DESA SETIA MULYA,"]);
    sheet.lines(&["Menimbang"]);
    sheet.numbered(&[
        "bahwa sebagian wilayah Desa Setia Mulya setiap tahun tergenang air laut pasang dan luapan kali, sehingga \
         diperlukan kesiapan warga untuk menolong dirinya sendiri sebelum bantuan datang;",
        "bahwa surat edaran Dinas Pemberdayaan Masyarakat dan Desa Nomor 300.2.3/1650/DPMD/2025 meminta setiap desa \
         menyiapkan pos siaga;",
        "bahwa berdasarkan hal tersebut perlu menetapkan keputusan kepala desa tentang pembentukan tim siaga bencana.",
    ]);
    sheet.lines(&["Mengingat"]);
    sheet.numbered(&[
        "Undang-Undang Nomor 24 Tahun 2007 tentang Penanggulangan Bencana;",
        "Undang-Undang Nomor 6 Tahun 2014 tentang Desa sebagaimana telah diubah;",
        "Peraturan Desa Setia Mulya tentang Rencana Kerja Pemerintah Desa Tahun 2025.",
    ]);
    sheet.lines(&["Memperhatikan hasil musyawarah desa tanggal 18 November 2025."]);
    sheet.new_page();
    sheet.heading(&["MEMUTUSKAN:"]);
    sheet.details(&[
        ("Menetapkan", ""),
        ("KESATU", "Membentuk Tim Siaga Bencana Desa Setia Mulya dengan susunan sebagaimana tercantum dalam lampiran."),
        (
            "KEDUA",
            "Tim bertugas memantau tinggi muka air, menyiapkan perahu dan dapur umum, memberi peringatan kepada warga, \
             membantu pengungsian, dan mencatat kerugian.",
        ),
        (
            "KETIGA",
            "Tim bekerja selama satu tahun sejak keputusan ini ditetapkan dan bertanggung jawab kepada Kepala Desa.",
        ),
        (
            "KEEMPAT",
            "Biaya yang timbul dibebankan pada APBDes Tahun Anggaran 2025 bidang penanggulangan bencana, keadaan \
             darurat dan mendesak.",
        ),
        ("KELIMA", "Keputusan ini mulai berlaku pada tanggal ditetapkan."),
    ]);
    sheet.place_and_day("Ditetapkan di Setia Mulya, 20 November 2025");
    signed_by_village(sheet);
    sheet.new_page();
    sheet.heading(&["LAMPIRAN", "SUSUNAN TIM SIAGA BENCANA DESA SETIA MULYA"]);
    sheet.table(
        &[34.0, 150.0, 160.0, 118.0],
        &[
            &["No", "Kedudukan", "Nama", "Unsur"],
            &["1", "Penanggung jawab", "H. Supardi Contoh", "Kepala Desa"],
            &["2", "Ketua", "Nurhasanah Contoh", "Sekretaris Desa"],
            &["3", "Regu pemantau air", "Asep Contoh", "RW 03"],
            &["4", "Regu pengungsian", "Marni Contoh", "Karang Taruna"],
            &["5", "Regu dapur umum", "Dedeh Contoh", "PKK"],
            &["6", "Regu kesehatan", "Yuliana Contoh", "Bidan desa"],
        ],
    );
    signed_by_village(sheet);
}

fn minutes(sheet: &mut Sheet) {
    village_head(sheet, "DESA SETIA MULYA");
    sheet.heading(&["BERITA ACARA MUSYAWARAH DESA", "NOMOR 400.10.2/112/Ds.SM/2025"]);
    sheet.paragraph(
        "Pada hari ini, Kamis tanggal dua puluh lima bulan September tahun dua ribu dua puluh lima, bertempat di balai \
         Desa Setia Mulya, telah dilaksanakan musyawarah desa penyusunan Rencana Kerja Pemerintah Desa Tahun 2026 yang \
         dihadiri 64 orang dari unsur pemerintah desa, Badan Permusyawaratan Desa, tokoh masyarakat, kelompok tani, \
         kelompok nelayan dan kelompok perempuan.",
    );
    sheet.paragraph("Setelah mendengarkan paparan dan pendapat peserta, musyawarah menyepakati kegiatan prioritas:");
    sheet.table(
        &[34.0, 250.0, 88.0, 90.0],
        &[
            &["No", "Kegiatan", "Lokasi", "Perkiraan"],
            &["1", "Peningkatan jalan lingkungan dan drainase", "Dusun I", "Rp182 juta"],
            &["2", "Rehabilitasi posyandu Melati", "Dusun III", "Rp65 juta"],
            &["3", "Pengadaan pompa air bergerak", "Desa", "Rp48 juta"],
            &["4", "Pelatihan pengolahan ikan bandeng", "Dusun II", "Rp22 juta"],
            &["5", "Penyertaan modal BUM Desa", "Desa", "Rp120 juta"],
        ],
    );
    sheet.paragraph("Demikian berita acara ini dibuat dengan sebenarnya untuk dipergunakan sebagaimana mestinya.");
    signed_by_village(sheet);
}

fn embankment(sheet: &mut Sheet) {
    village_head(sheet, "DESA SETIA MULYA");
    sheet.place_and_day("Setia Mulya, 21 November 2025");
    sheet.details(&[
        ("Nomor", "600.1.2/134/Ds.SM/2025"),
        ("Sifat", "Segera"),
        ("Lampiran", "3 (tiga) lembar foto"),
        ("Hal", "Permohonan perbaikan tanggul Kali Blencong"),
    ]);
    sheet.lines(&["Yth. Kepala Dinas Pemberdayaan Masyarakat dan Desa", "Kabupaten Bekasi", "di Cikarang Pusat"]);
    sheet.paragraph(
        "Dengan hormat, kami laporkan bahwa tanggul Kali Blencong di Dusun II Desa Setia Mulya mengalami keretakan \
         sepanjang kurang lebih 40 meter akibat hujan deras pada malam tanggal 19 November 2025. Air sudah merembes ke \
         tambak dan pekarangan warga.",
    );
    sheet.paragraph(
        "Warga telah memasang karung pasir dan bambu secara gotong royong, namun penahan sementara itu tidak akan kuat \
         bila air pasang datang kembali. Terdapat 87 rumah, satu madrasah dan dua mushala di bawah tanggul.",
    );
    sheet.paragraph("Sehubungan dengan hal tersebut kami mohon bantuan Bapak untuk:");
    sheet.numbered(&[
        "meninjau lokasi bersama dinas yang membidangi sumber daya air;",
        "mengupayakan perbaikan darurat sebelum bulan Desember 2025;",
        "memberi petunjuk mengenai penggunaan belanja tidak terduga desa.",
    ]);
    sheet.paragraph("Demikian permohonan ini kami sampaikan, atas perhatian Bapak kami ucapkan terima kasih.");
    signed_by_village(sheet);
}

fn spending_report(sheet: &mut Sheet) {
    village_head(sheet, "DESA PUSAKA RAKYAT");
    sheet.place_and_day("Pusaka Rakyat, 14 Agustus 2025");
    sheet.details(&[
        ("Nomor", "900.1.4/087/Ds.PR/2025"),
        ("Sifat", "Terbatas"),
        ("Hal", "Laporan realisasi penyerapan Dana Desa tahap I"),
    ]);
    sheet.lines(&["Yth. Kepala Dinas Pemberdayaan Masyarakat dan Desa", "di Cikarang Pusat"]);
    sheet.paragraph("Bersama ini kami sampaikan realisasi penyerapan Dana Desa tahap I Tahun Anggaran 2025:");
    sheet.table(
        &[200.0, 90.0, 90.0, 82.0],
        &[
            &["Bidang", "Pagu (Rp)", "Realisasi (Rp)", "Persen"],
            &["Pemerintahan desa", "84.000.000", "82.150.000", "97,8"],
            &["Pembangunan jembatan Kampung Bogor", "310.000.000", "271.200.000", "87,5"],
            &["Pembinaan kemasyarakatan", "46.500.000", "45.900.000", "98,7"],
            &["Pemberdayaan masyarakat", "72.000.000", "69.400.000", "96,4"],
        ],
    );
    sheet.paragraph(
        "Sisa pekerjaan jembatan tertunda karena tiang pancang datang terlambat dan akan diselesaikan pada bulan \
         September 2025. Bukti pengeluaran tersimpan di kantor desa dan siap diperiksa.",
    );
    sheet.signature("Kepala Desa Pusaka Rakyat,", "NENENG CONTOH, S.IP.", "");
}

fn aid_list(sheet: &mut Sheet) {
    village_head(sheet, "DESA SETIA MULYA");
    sheet.place_and_day("Setia Mulya, 24 November 2025");
    sheet.details(&[
        ("Nomor", "400.9.4/141/Ds.SM/2025"),
        ("Sifat", "Rahasia"),
        ("Hal", "Usulan keluarga penerima manfaat Bantuan Langsung Tunai Desa"),
    ]);
    sheet.lines(&["Yth. Kepala Dinas Pemberdayaan Masyarakat dan Desa", "di Cikarang Pusat"]);
    sheet.paragraph(
        "Menindaklanjuti hasil musyawarah desa khusus, bersama ini kami usulkan keluarga penerima manfaat. Nama yang \
         tercantum adalah contoh dan bukan orang yang sebenarnya.",
    );
    sheet.table(
        &[34.0, 150.0, 170.0, 108.0],
        &[
            &["No", "Kepala keluarga", "Keterangan", "Hasil"],
            &["1", "Saripah Contoh", "Lanjut usia, tinggal sendiri", "Layak"],
            &["2", "Mulyadi Contoh", "Nelayan, perahu rusak", "Layak"],
            &["3", "Ratna Contoh", "Ibu tunggal, tiga anak", "Layak"],
            &["4", "Udin Contoh", "Sakit menahun", "Layak"],
            &["5", "Hendra Contoh", "Sudah bekerja tetap", "Tidak layak"],
        ],
    );
    sheet.paragraph("Surat ini memuat keterangan pribadi; mohon tidak diteruskan di luar keperluan verifikasi.");
    signed_by_village(sheet);
}

fn assignment(sheet: &mut Sheet) {
    agency_head(sheet);
    sheet.heading(&["SURAT TUGAS", "NOMOR 800.1.11.1/1672/DPMD/2025"]);
    sheet.paragraph("Kepala Dinas Pemberdayaan Masyarakat dan Desa Kabupaten Bekasi menugaskan:");
    sheet.table(
        &[34.0, 190.0, 238.0],
        &[
            &["No", "Nama", "Jabatan"],
            &["1", "Fitriani Contoh, S.E.", "Analis keuangan desa"],
            &["2", "Bagus Contoh, S.Kom.", "Pranata komputer"],
        ],
    );
    sheet.paragraph(
        "untuk mendampingi pengisian aplikasi Sistem Keuangan Desa (Siskeudes) di delapan desa Kecamatan Tarumajaya pada \
         tanggal 24 sampai dengan 28 November 2025, dan melaporkan hasilnya secara tertulis paling lambat tiga hari kerja \
         setelah tugas selesai.",
    );
    sheet.paragraph("Demikian surat tugas ini dibuat untuk dilaksanakan dengan penuh tanggung jawab.");
    sheet.place_and_day("Cikarang Pusat, 19 November 2025");
    signed_by_agency(sheet);
}
