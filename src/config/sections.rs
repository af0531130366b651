//! The sections of the configuration as types. `lumbung.default.toml` says what each key means.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Mistake;

macro_rules! section {
    ($(#[$doc:meta])* $name:ident { $($field:ident: $t:ty),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name { $(pub $field: $t),* }
    };
}

section! { Config {
    server: Server, data: Data, database: Database, storage: Storage, keys: Keys, upload: Upload, queue: Queue,
    reading: Reading, scan: Scan, search: Search, session: Session, throttle: Throttle, links: Links, mail: Mail, region: Region,
    trash: Trash, records: Records, sweep: Sweep, verify: Verify, limits: Limits, log: Log, metrics: Metrics,
} }
section! { Server {
    listen: String, public_url: String, insecure: bool, tls_certificate: PathBuf, tls_key_file: PathBuf,
    trusted_proxies: Vec<String>, max_connections: usize, header_seconds: u64, body_idle_seconds: u64, body_least_bytes: usize, json_bytes: usize, stop_seconds: u64,
} }
section! { Data { dir: PathBuf } }
section! { Database { url: String, password_file: PathBuf, max_connections: u32, acquire_seconds: u64, answer_seconds: u64 } }
section! { Storage {
    kind: String, folder: PathBuf, s3_endpoint: String, s3_region: String, s3_bucket: String, s3_access_key: String,
    s3_secret_key_file: PathBuf, s3_path_style: bool, s3_create_bucket: bool, connect_seconds: u64, answer_seconds: u64,
    operation_seconds: u64, s3_object_lock_days: u32, mirror: Mirror,
} }
section! {
    /// A second store that holds a copy of every object. An empty `kind` means none.
    Mirror {
        kind: String, folder: PathBuf, s3_endpoint: String, s3_region: String, s3_bucket: String, s3_access_key: String,
        s3_secret_key_file: PathBuf, s3_path_style: bool, s3_create_bucket: bool, s3_object_lock_days: u32,
    }
}
section! { Keys { master_file: PathBuf } }
section! { Upload {
    max_bytes: u64, spool_memory_bytes: usize, spool_memory_total_bytes: usize, spool: PathBuf, part_bytes: usize, expire_hours: u64, max_open: i64,
    max_pictures: usize, max_title: usize, max_file_name: usize,
} }
section! { Queue {
    workers: u32, lease_seconds: u64, max_attempts: u32, max_interruptions: u32, backoff_seconds: u64,
    office_step_seconds: u64,
} }
section! { Reading {
    require_jail: bool, tesseract: String, languages: String, dpi: u32, memory_mib: u64, cpu_seconds: u64,
    wall_seconds: u64, turn_seconds: u64, max_pages: u32, max_text_bytes: usize, max_pixels: u64, max_input_bytes: u64,
    picture_budget_bytes: i64, picture_width: u32,
} }
section! { Scan { clamd: String, timeout_seconds: u64, max_bytes: u64 } }
section! { Search {
    dir: PathBuf, writer_memory_bytes: usize, max_question_chars: usize, poll_milliseconds: u64,
    gather_milliseconds: u64,
} }
section! { Session {
    access_seconds: u64, refresh_days: u64, web_hours: u64, activation_days: u64, min_password: usize,
    max_password: usize, min_login: usize, max_login: usize, max_name: usize, max_token_label: usize,
} }
section! { Throttle {
    login_free: i64, network_free: i64, account_free: i64, link_free: i64, first_wait_seconds: u64,
    longest_wait_seconds: u64,
    forget_seconds: u64,
} }
section! { Links {
    grant_minutes: u64, grant_hours: u64, code_minutes: u64, code_tries: i64, max_log_rows_per_hour: i64,
    pictures_per_minute: u32, max_label: usize, min_password: usize, max_password: usize, max_opens: i64,
    drop_days: u64, drop_files: i64, drop_bytes: i64, drop_types: usize,
} }
section! { Mail {
    host: String, port: u16, security: String, ca_file: PathBuf, user: String, password_file: PathBuf, from: String,
    timeout_seconds: u64,
} }
section! { Region { timezone: String, offices_file: PathBuf } }
section! { Trash { days: u64 } }
section! { Records { every_seconds: u64, destroyed_hours: u64 } }
section! { Sweep { every_hours: u64, grace_hours: u64, stop_percent: u64, stop_count: u64, remember_days: u64 } }
section! { Verify { rolling: bool, bytes_per_hour: u64, within_days: u64 } }
section! { Metrics { listen: String } }
section! { Limits {
    list_max: i64, api_requests_per_minute: u32, min_free_bytes: u64, office_bytes: u64, offices_per_link: usize, emails_per_link: usize, labels: usize,
    field_chars: usize, summary_chars: usize, word_chars: usize, note_chars: usize, reason_chars: usize,
    office_name_chars: usize, office_address_chars: usize, idempotency_key_bytes: usize,
} }
section! { Log { format: String, level: String } }

const NEEDED_FOR_S3: &str = "diperlukan untuk / needed for storage.kind = \"s3\"";

impl Config {
    /// What no single type can say; every finding at once.
    pub(super) fn mistakes(&self) -> Vec<Mistake> {
        let mut found = Vec::new();
        let mut check = |fine: bool, key: &str, detail: &str| {
            if !fine {
                found.push(Mistake { key: key.into(), detail: detail.into() });
            }
        };
        self.check_server(&mut check);
        self.check_places(&mut check);
        self.check_numbers(&mut check);
        self.check_lengths(&mut check);
        check(["text", "json"].contains(&self.log.format.as_str()), "log.format", "pilih / choose \"text\", \"json\"");
        check(
            jiff::tz::TimeZone::get(&self.region.timezone).is_ok(),
            "region.timezone",
            "zona waktu tidak dikenal; contoh / unknown time zone; example: Asia/Jakarta",
        );
        check(
            ["starttls", "tls", "none"].contains(&self.mail.security.as_str()),
            "mail.security",
            "pilih / choose \"starttls\", \"tls\", \"none\"",
        );
        found
    }

    fn check_server(&self, check: &mut impl FnMut(bool, &str, &str)) {
        let server = &self.server;
        let listen = server.listen.parse::<SocketAddr>();
        check(listen.is_ok(), "server.listen", "tulis alamat dan porta / give an address and port: 127.0.0.1:8080");
        check((1..=1_000_000).contains(&server.max_connections), "server.max_connections", "1 sampai / to 1000000");
        self.check_metrics(check);
        let has_tls = !server.tls_certificate.as_os_str().is_empty();
        check(
            has_tls != server.tls_key_file.as_os_str().is_empty(),
            "server.tls_key_file",
            "sertifikat dan kuncinya harus disebut bersama / certificate and key go together",
        );
        let public_http = server.public_url.starts_with("https://");
        check(
            server.insecure || has_tls || public_http || listen.map_or(true, |at| at.ip().is_loopback()),
            "server.insecure",
            "alamat umum memerlukan TLS: isi tls_certificate dan tls_key_file, atau public_url https di belakang proxy, atau insecure = true / a public address needs TLS: set tls_certificate and tls_key_file, or an https public_url behind a proxy, or insecure = true",
        );
        let is_url = server.public_url.is_empty()
            || (server.public_url.starts_with("http://") || public_http) && !server.public_url.ends_with('/');
        check(
            is_url,
            "server.public_url",
            "tulis tanpa garis miring di akhir / give it without a slash at the end: https://host",
        );
        for network in &server.trusted_proxies {
            check(
                crate::config::Network::parse(network).is_some(),
                "server.trusted_proxies",
                "tulis jaringan / give networks: 10.0.0.0/8",
            );
        }
    }

    /// Whoever reaches it learns how much is going on, and is asked for no login.
    fn check_metrics(&self, check: &mut impl FnMut(bool, &str, &str)) {
        let listen = &self.metrics.listen;
        let address = listen.parse::<SocketAddr>();
        check(
            listen.is_empty() || address.is_ok(),
            "metrics.listen",
            "tulis alamat dan porta, atau kosongkan / give an address and port, or leave it empty: 127.0.0.1:9464",
        );
        check(
            address.map_or(true, |at| is_inside(at.ip())),
            "metrics.listen",
            "alamat ini terbuka untuk internet; pakai alamat jaringan sendiri / the internet can reach this address; use one of your own network: 127.0.0.1:9464",
        );
    }

    fn check_places(&self, check: &mut impl FnMut(bool, &str, &str)) {
        let storage = &self.storage;
        check(["folder", "s3"].contains(&storage.kind.as_str()), "storage.kind", "pilih / choose \"folder\", \"s3\"");
        if storage.kind == "s3" {
            check(!storage.s3_bucket.is_empty(), "storage.s3_bucket", NEEDED_FOR_S3);
            check(!storage.s3_endpoint.is_empty(), "storage.s3_endpoint", NEEDED_FOR_S3);
            check(!storage.s3_access_key.is_empty(), "storage.s3_access_key", NEEDED_FOR_S3);
            check(!storage.s3_secret_key_file.as_os_str().is_empty(), "storage.s3_secret_key_file", NEEDED_FOR_S3);
        }
        self.check_mirror(check);
        let url = &self.database.url;
        check(
            url.is_empty() || ["sqlite:", "postgres:", "postgresql:"].iter().any(|start| url.starts_with(start)),
            "database.url",
            "tulis / give sqlite:PATH, postgres://…",
        );
    }

    fn check_mirror(&self, check: &mut impl FnMut(bool, &str, &str)) {
        let (storage, mirror) = (&self.storage, &self.storage.mirror);
        let kind = mirror.kind.as_str();
        check(
            ["", "folder", "s3"].contains(&kind),
            "storage.mirror.kind",
            "expected \"folder\" or \"s3\", or nothing for no mirror",
        );
        if kind == "folder" {
            let named = !mirror.folder.as_os_str().is_empty();
            check(named, "storage.mirror.folder", "needed for storage.mirror.kind = \"folder\"");
            let same = storage.kind == "folder" && storage.folder == mirror.folder;
            check(!same, "storage.mirror.folder", "the mirror must lie elsewhere than the store");
        }
        if kind == "s3" {
            let needed = [
                (!mirror.s3_bucket.is_empty(), "storage.mirror.s3_bucket"),
                (!mirror.s3_endpoint.is_empty(), "storage.mirror.s3_endpoint"),
                (!mirror.s3_access_key.is_empty(), "storage.mirror.s3_access_key"),
                (!mirror.s3_secret_key_file.as_os_str().is_empty(), "storage.mirror.s3_secret_key_file"),
            ];
            for (given, key) in needed {
                check(given, key, "needed for storage.mirror.kind = \"s3\"");
            }
            let same = storage.kind == "s3"
                && storage.s3_endpoint == mirror.s3_endpoint
                && storage.s3_bucket == mirror.s3_bucket;
            check(!same, "storage.mirror.s3_bucket", "the mirror must lie elsewhere than the store");
        }
    }

    fn check_numbers(&self, check: &mut impl FnMut(bool, &str, &str)) {
        let storage = &self.storage;
        check(storage.connect_seconds > 0, "storage.connect_seconds", "paling sedikit / at least 1");
        check(storage.answer_seconds > 0, "storage.answer_seconds", "paling sedikit / at least 1");
        check(
            storage.operation_seconds >= 3,
            "storage.operation_seconds",
            "paling sedikit 3: satu operasi tiga percobaan / at least 3: an operation has three attempts",
        );
        check(self.queue.workers > 0, "queue.workers", "paling sedikit / at least 1");
        check(self.queue.max_attempts > 0, "queue.max_attempts", "paling sedikit / at least 1");
        check(
            self.queue.max_interruptions >= self.queue.max_attempts,
            "queue.max_interruptions",
            "paling sedikit sebanyak / at least as many as queue.max_attempts",
        );
        check(self.queue.lease_seconds >= 10, "queue.lease_seconds", "paling sedikit / at least 10");
        check(self.database.max_connections >= 2, "database.max_connections", "paling sedikit / at least 2");
        check(
            (1..=4 << 30).contains(&self.upload.max_bytes),
            "upload.max_bytes",
            "1 … 4294967296: satu PUT ke penyimpanan berakhir pada 5 GiB tersegel / a single PUT of the store ends at 5 GiB sealed",
        );
        check(self.upload.part_bytes >= 65536, "upload.part_bytes", "paling sedikit / at least 65536");
        check((72..=600).contains(&self.reading.dpi), "reading.dpi", "72 … 600");
        check(self.session.min_password >= 8, "session.min_password", "paling sedikit / at least 8");
        let clamd = &self.scan.clamd;
        check(
            clamd.is_empty() || clamd.starts_with("unix:/") || clamd.contains(':') && !clamd.contains('/'),
            "scan.clamd",
            "unix:/jalur/clamd.ctl atau host:port / unix:/path/of/clamd.ctl or host:port",
        );
        check(self.scan.timeout_seconds > 0, "scan.timeout_seconds", "paling sedikit / at least 1");
        check((1..=200).contains(&self.limits.list_max), "limits.list_max", "1 … 200");
        check(self.limits.api_requests_per_minute > 0, "limits.api_requests_per_minute", "paling sedikit / at least 1");
        check(self.sweep.every_hours >= 1, "sweep.every_hours", "paling sedikit / at least 1");
        check(
            self.sweep.grace_hours >= 1,
            "sweep.grace_hours",
            "paling sedikit 1: yang sedang dibaca belum bernama / at least 1: what is being read now is not named yet",
        );
        check((1..=100).contains(&self.sweep.stop_percent), "sweep.stop_percent", "1 … 100");
        check(self.verify.within_days >= 1, "verify.within_days", "paling sedikit / at least 1");
        check((1..=50).contains(&self.records.every_seconds), "records.every_seconds", "1 … 50");
        check(self.records.destroyed_hours >= 1, "records.destroyed_hours", "paling sedikit / at least 1");
    }

    /// How much callers may write: never so little that nothing useful fits, never so much that an index of the
    /// database, a header or a page does not bear it.
    fn check_lengths(&self, check: &mut impl FnMut(bool, &str, &str)) {
        let Config { upload, session, links, limits, .. } = self;
        let lengths = [
            ("upload.max_title", upload.max_title as i64, 1..=10_000_i64),
            ("upload.max_file_name", upload.max_file_name as i64, 32..=1_000),
            ("session.max_password", session.max_password as i64, 64..=4_096),
            ("session.min_login", session.min_login as i64, 1..=64),
            ("session.max_login", session.max_login as i64, 16..=254),
            ("session.max_name", session.max_name as i64, 40..=1_000),
            ("session.max_token_label", session.max_token_label as i64, 8..=1_000),
            ("links.max_label", links.max_label as i64, 1..=1_000),
            ("links.min_password", links.min_password as i64, 1..=64),
            ("links.max_password", links.max_password as i64, 8..=4_096),
            ("links.max_opens", links.max_opens, 1..=1_000_000_000),
            ("links.drop_days", links.drop_days as i64, 1..=3_660),
            ("links.drop_files", links.drop_files, 1..=1_000_000_000),
            ("links.drop_bytes", links.drop_bytes, 1..=1_000_000_000_000_000),
            ("links.drop_types", links.drop_types as i64, 1..=1_000),
            ("limits.field_chars", limits.field_chars as i64, 1..=10_000),
            ("limits.summary_chars", limits.summary_chars as i64, 1..=100_000),
            // Each page is found by every beginning of its document's classification.
            ("limits.word_chars", limits.word_chars as i64, 1..=200),
            ("limits.note_chars", limits.note_chars as i64, 1..=10_000),
            ("limits.reason_chars", limits.reason_chars as i64, 1..=10_000),
            ("limits.office_name_chars", limits.office_name_chars as i64, 1..=1_000),
            ("limits.office_address_chars", limits.office_address_chars as i64, 1..=10_000),
            // A UUID has 36; PostgreSQL's index takes a third of a page.
            ("limits.idempotency_key_bytes", limits.idempotency_key_bytes as i64, 36..=2_000),
        ];
        for (key, value, fine) in lengths {
            check(fine.contains(&value), key, &format!("{} … {}", fine.start(), fine.end()));
        }
        let pairs = [
            ("session.max_password", session.min_password <= session.max_password, "session.min_password"),
            ("session.max_login", session.min_login <= session.max_login, "session.min_login"),
            ("links.max_password", links.min_password <= links.max_password, "links.min_password"),
        ];
        for (key, is_fine, other) in pairs {
            check(is_fine, key, &format!("paling sedikit sebesar / at least as much as {other}"));
        }
    }
}

/// A network such as 10.0.0.0/8 or fd00::/8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: std::net::IpAddr,
    bits: u32,
}

impl Network {
    pub fn parse(text: &str) -> Option<Network> {
        let (address, bits) = text.split_once('/')?;
        let address: std::net::IpAddr = address.parse().ok()?;
        let bits = bits.parse().ok()?;
        (bits <= if address.is_ipv4() { 32 } else { 128 }).then_some(Network { address, bits })
    }

    pub fn contains(&self, address: std::net::IpAddr) -> bool {
        use std::net::IpAddr::{V4, V6};
        match (self.address, address.to_canonical()) {
            (V4(net), V4(at)) => {
                let mask = u32::MAX.checked_shl(32 - self.bits).unwrap_or(0);
                u32::from(net) & mask == u32::from(at) & mask
            }
            (V6(net), V6(at)) => {
                let mask = u128::MAX.checked_shl(128 - self.bits).unwrap_or(0);
                u128::from(net) & mask == u128::from(at) & mask
            }
            _ => false,
        }
    }
}

/// Whether the address is of this machine or of a network of one's own. All addresses at once count as inside: in a container
/// they are.
fn is_inside(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let is_shared = v4.octets()[0] == 100 && (64..128).contains(&v4.octets()[1]);
            v4.is_unspecified() || v4.is_loopback() || v4.is_private() || v4.is_link_local() || is_shared
        }
        IpAddr::V6(v6) => v6.is_unspecified() || v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}
