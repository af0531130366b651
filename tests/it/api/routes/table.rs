//! Who may call what. A route that is not here fails the test, and so does a line without a route.
//!
//! `+` allowed, whatever becomes of it then; `?` who are you (401, or the way to the login page); `-` 403, the thing may be
//! known but this act is not theirs; `0` 404, as if there were no such thing.
//!
//! The thing is the village's: its document of class `biasa` that is not opened to the regency, its link, its members.

use crate::support::regency::Actor::{
    self, Admin, AgencyClerk, Archivist, Auditor, Clerk, Head, OtherAdmin, OtherArchivist, OtherClerk, OtherHead,
    PlatformAdmin, Provisioner,
};

/// The columns. The tokens are the clerk's, each of one scope; the grant is what opening a link gave, shown as a bearer.
pub const CALLERS: [Caller; 18] = [
    Caller::Nobody,
    Caller::Grant,
    Caller::Person(Clerk),
    Caller::Person(Head),
    Caller::Person(Archivist),
    Caller::Person(Admin),
    Caller::Person(OtherClerk),
    Caller::Person(OtherHead),
    Caller::Person(OtherArchivist),
    Caller::Person(OtherAdmin),
    Caller::Person(AgencyClerk),
    Caller::Person(PlatformAdmin),
    Caller::Person(Provisioner),
    Caller::Person(Auditor),
    Caller::Token("read"),
    Caller::Token("upload"),
    Caller::Token("share"),
    Caller::Token("manage"),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Caller {
    Nobody,
    Grant,
    Person(Actor),
    Token(&'static str),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    pub method: &'static str,
    pub path: &'static str,
    pub cells: &'static str,
}

/// The lines, and in each the cells in the order of [`CALLERS`], without the bars between them.
pub fn lines() -> Vec<Line> {
    let lines = TABLE.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    lines
        .filter(|words| !words.is_empty() && words[0] != "#")
        .map(|words| Line { method: words[0], path: words[1], cells: words[2] })
        .collect()
}

impl Line {
    pub fn route(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    pub fn cell(&self, column: usize) -> char {
        self.cells.chars().filter(|cell| *cell != '|').nth(column).unwrap_or(' ')
    }
}

/// nobody, grant | clerk, head, archivist, admin | the same four of another village | an agency's clerk |
/// platform admin, provisioner, auditor | tokens: read, upload, share, manage
const TABLE: &str = "
# what anybody may ask
GET     /healthz                                        ++|++++|++++|+|+++|++++
GET     /readyz                                         ++|++++|++++|+|+++|++++
GET     /api/v1/status                                  ++|++++|++++|+|+++|++++
GET     /api/v1/limits                                  ++|++++|++++|+|+++|++++
GET     /api/v1/openapi.json                            ++|++++|++++|+|+++|++++
GET     /api/docs                                       ++|++++|++++|+|+++|++++
OPTIONS /api/v1/uploads                                 ++|++++|++++|+|+++|++++

# documents
POST    /api/v1/documents                               ??|+++-|+++-|+|---|-+--
GET     /api/v1/documents                               ??|++++|++++|+|---|+---
POST    /api/v1/documents/from-uploads                  ??|+++-|+++-|+|---|-+--
GET     /api/v1/documents/{id}                          ??|++++|0000|0|000|+000
PATCH   /api/v1/documents/{id}                          ??|+++-|0000|0|000|-00+
DELETE  /api/v1/documents/{id}                          ??|+++-|0000|0|000|-00+
POST    /api/v1/documents/{id}/restore                  ??|+++-|0000|0|000|-00+
POST    /api/v1/documents/{id}/read                     ??|+++-|0000|0|000|-00+
GET     /api/v1/documents/{id}/content                  ??|++++|0000|0|000|+000
GET     /api/v1/documents/{id}/pages/{page}/image       ??|++++|0000|0|000|+000
GET     /api/v1/documents/{id}/pages/{page}/text        ??|++++|0000|0|000|+000
GET     /api/v1/documents/{id}/pages/{page}/words       ??|++++|0000|0|000|+000
POST    /api/v1/documents/{id}/versions                 ??|+++-|0000|0|000|-+00
GET     /api/v1/documents/{id}/history                  ??|++++|0000|0|000|+000
POST    /api/v1/uploads                                 ??|+++-|+++-|+|---|-+--
HEAD    /api/v1/uploads/{id}                            ??|+000|0000|0|000|0+00
PATCH   /api/v1/uploads/{id}                            ??|+000|0000|0|000|0+00
DELETE  /api/v1/uploads/{id}                            ??|+000|0000|0|000|0+00
GET     /api/v1/search                                  ??|++++|++++|+|---|+---
GET     /api/v1/search/suggest                          ??|++++|++++|+|---|+---
GET     /api/v1/events                                  ??|++++|++++|+|---|+---

# people
POST    /api/v1/sessions                                ++|++++|++++|+|+++|++++
GET     /api/v1/sessions                                ??|++++|++++|+|+++|----
POST    /api/v1/sessions/refresh                        ++|++++|++++|+|+++|++++
DELETE  /api/v1/sessions/current                        ??|++++|++++|+|+++|----
DELETE  /api/v1/sessions/{session}                      ??|+000|0000|0|000|----
POST    /api/v1/activations                             ++|++++|++++|+|+++|++++
GET     /api/v1/me                                      ??|++++|++++|+|+++|++++
PUT     /api/v1/me/password                             ??|++++|++++|+|+++|----
POST    /api/v1/me/totp                                 ??|++++|++++|+|+++|----
PUT     /api/v1/me/totp                                 ??|++++|++++|+|+++|----
DELETE  /api/v1/me/totp                                 ??|++++|++++|+|+++|----
GET     /api/v1/offices                                 ??|++++|++++|+|+++|++++
GET     /api/v1/offices/{office}                        ??|++++|++++|+|+++|++++
PATCH   /api/v1/offices/{office}                        ??|----|----|-|+--|----
POST    /api/v1/offices/{office}/members                ??|-+-+|0000|0|--0|----
GET     /api/v1/offices/{office}/members                ??|++++|0000|0|0+0|+---
DELETE  /api/v1/offices/{office}/members/{post}         ??|-+-+|0000|0|--0|----
POST    /api/v1/offices/{office}/members/{post}/reset   ??|-+-+|0000|0|--0|----
GET     /api/v1/offices/{office}/consents               ??|++++|0000|0|++0|+---
POST    /api/v1/offices/{office}/consents/{consent}/agree ??|-+--|0000|0|--0|-000
DELETE  /api/v1/offices/{office}/consents/{consent}     ??|-+-+|0000|0|--0|-000
POST    /api/v1/offices/{office}/tokens                 ??|++++|0000|0|000|---+
GET     /api/v1/offices/{office}/tokens                 ??|++++|0000|0|000|---+
POST    /api/v1/offices/{office}/tokens/{token}/adopt   ??|-+-+|0000|0|000|----
DELETE  /api/v1/offices/{office}/tokens/{token}         ??|++0+|0000|0|000|---+
GET     /api/v1/audit                                   ??|-+-+|-+-+|-|--+|----

# sharing
POST    /api/v1/documents/{id}/links                    ??|++--|0000|0|000|-0+0
GET     /api/v1/links                                   ??|++++|++++|+|---|+-+-
GET     /api/v1/links/{id}                              ??|++++|0000|0|000|+0+0
PATCH   /api/v1/links/{id}                              ??|++--|0000|0|000|-0+0
DELETE  /api/v1/links/{id}                              ??|++--|0000|0|000|-0+0
POST    /api/v1/links/{id}/release                      ??|-+--|0000|0|000|-0-0
GET     /api/v1/links/{id}/opens                        ??|++++|0000|0|000|+0+0
POST    /api/v1/shared/{id}/peek                        ++|++++|++++|+|+++|++++
POST    /api/v1/shared/{id}/open                        ++|++++|++++|+|+++|++++
POST    /api/v1/shared/{id}/code                        ++|++++|++++|+|+++|++++
POST    /api/v1/shared/{id}/renew                       ?+|????|????|?|???|????
GET     /api/v1/shared/{id}/content                     ?+|????|????|?|???|????
GET     /api/v1/shared/{id}/pages/{page}/image          ?+|????|????|?|???|????
POST    /api/v1/drops                                   ??|++--|++--|+|---|--+-
GET     /api/v1/drops                                   ??|++++|++++|+|---|+-+-
GET     /api/v1/drops/{id}                              ??|++++|0000|0|000|+0+0
DELETE  /api/v1/drops/{id}                              ??|++--|0000|0|000|-0+0
POST    /api/v1/drops/{id}/files                        ++|++++|++++|+|+++|++++
OPTIONS /api/v1/drops/{id}/files                        ++|++++|++++|+|+++|++++
GET     /api/v1/drops/{id}/files/{upload}               ++|++++|++++|+|+++|++++
HEAD    /api/v1/drops/{id}/files/{upload}               ++|++++|++++|+|+++|++++
PATCH   /api/v1/drops/{id}/files/{upload}               ++|++++|++++|+|+++|++++
DELETE  /api/v1/drops/{id}/files/{upload}               ++|++++|++++|+|+++|++++

# operation
GET     /api/v1/jobs                                    ??|----|----|-|+--|----
POST    /api/v1/jobs/{id}/retry                         ??|----|----|-|+--|----

# pages
GET     /                                               ??|++++|++++|+|+++|++++
GET     /masuk                                          ++|++++|++++|+|+++|++++
POST    /masuk                                          ++|++++|++++|+|+++|++++
POST    /keluar                                         ??|++++|++++|+|+++|----
POST    /kantor-aktif                                   ??|++++|0000|0|000|0000
POST    /bahasa                                         ++|++++|++++|+|+++|++++
GET     /aktivasi                                       ++|++++|++++|+|+++|++++
POST    /aktivasi                                       ++|++++|++++|+|+++|++++
GET     /akun                                           ??|++++|++++|+|+++|----
POST    /akun/sandi                                     ??|++++|++++|+|+++|----
POST    /akun/sesi/{session}                            ??|+000|0000|0|000|----
POST    /akun/kode                                      ??|++++|++++|+|+++|----
POST    /akun/kode/aktif                                ??|++++|++++|+|+++|----
POST    /akun/kode/mati                                 ??|++++|++++|+|+++|----
GET     /unggah                                         ??|+++-|+++-|+|---|-+--
POST    /unggah                                         ??|+++-|+++-|+|---|-+--
GET     /unggah/baris                                   ??|++++|++++|+|+++|++++
GET     /cari                                           ??|++++|++++|+|---|+---
GET     /dokumen                                        ??|++++|++++|+|---|+---
GET     /dibagikan                                      ??|++++|++++|+|---|+---
GET     /dokumen/{id}                                   ??|++++|0000|0|000|+000
POST    /dokumen/{id}                                   ??|+++-|0000|0|000|-00+
POST    /dokumen/{id}/versi                             ??|+++-|0000|0|000|-+00
GET     /dokumen/{id}/versi/{number}                    ??|++++|0000|0|000|+000
POST    /dokumen/{id}/periksa                           ??|+++-|0000|0|000|-00+
POST    /dokumen/{id}/sampah                            ??|+++-|0000|0|000|-00+
POST    /dokumen/{id}/pulihkan                          ??|+++-|0000|0|000|-00+
POST    /dokumen/{id}/baca-ulang                        ??|+++-|0000|0|000|-00+
POST    /dokumen/{id}/buka                              ??|++++|0000|0|000|+000
GET     /dokumen/{id}/bagikan                           ??|++--|0000|0|000|-0+0
POST    /dokumen/{id}/bagikan                           ??|++--|0000|0|000|-0+0
GET     /tautan                                         ??|++++|++++|+|---|+-+-
GET     /tautan/{id}                                    ??|++++|0000|0|000|+0+0
POST    /tautan/{id}                                    ??|++--|0000|0|000|-0+0
GET     /kiriman                                        ??|++++|++++|+|---|+-+-
GET     /kiriman/baru                                   ??|++--|++--|+|---|--+-
POST    /kiriman/baru                                   ??|++--|++--|+|---|--+-
POST    /kiriman/{id}/akhiri                            ??|++--|0000|0|000|-0+0
GET     /s/{public}                                     ++|++++|++++|+|+++|++++
POST    /s/{public}                                     ++|++++|++++|+|+++|++++
GET     /s/{public}/lihat                               ?+|????|????|?|???|????
GET     /s/{public}/hal/{page}                          ?+|????|????|?|???|????
GET     /s/{public}/unduh                               ?+|????|????|?|???|????
GET     /d/{public}                                     ++|++++|++++|+|+++|++++
POST    /d/{public}                                     ++|++++|++++|+|+++|++++
POST    /d/{public}/kirim                               ++|++++|++++|+|+++|++++
GET     /sistem                                         ??|++++|++++|+|+++|++++
GET     /assets/{name}                                  ++|++++|++++|+|+++|++++
";
