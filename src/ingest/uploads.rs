//! Resumable uploads (tus). Each acknowledged part is a sealed object of its own, so that any node goes on with it and a
//! crash loses nothing that HEAD told. When the last part is there, the parts become one sealed document.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::{
    Stream, StreamExt,
    stream::{self, BoxStream},
};

use super::{
    Ingest, Received, Source,
    sql::{self, PartRow, UploadRow},
    too_large,
};
use crate::{
    blob::{self, ObjectName},
    clock::Time,
    crash::{Point, point},
    db::Tx,
    error::{Error, Kind, Result, Say, say},
    id::{self, DocumentId, DropId, OfficeId, PersonId, UploadId},
    idempotency::{self, First},
    seal,
};

/// An upload that was begun. The caller was checked against its office and maker when it was loaded.
#[derive(Clone, Debug)]
pub struct Upload {
    pub id: UploadId,
    pub office: OfficeId,
    pub person: Option<PersonId>,
    pub drop: Option<DropId>,
    pub length: u64,
    pub received: u64,
    pub file_name: String,
    /// The metadata part as JSON.
    pub metadata: String,
    /// A picture that waits for `from-uploads`.
    pub held: bool,
    pub document: Option<DocumentId>,
    pub expires_at: Time,
    /// Why it could not become a document, when it could not.
    pub failed: Option<String>,
}

/// What a client says when it begins an upload.
#[derive(Clone, Debug)]
pub struct Begin {
    pub office: OfficeId,
    pub person: Option<PersonId>,
    pub drop: Option<ForDrop>,
    pub length: u64,
    pub file_name: String,
    pub metadata: String,
    pub held: bool,
}

impl Begin {
    /// What a repeat of the request has to say again. The bytes are not part of it: a cut leaves some of them here.
    pub fn digest(&self) -> [u8; 32] {
        let person = self.person.map(|person| person.to_string()).unwrap_or_default();
        let drop = self.drop.map(|drop| drop.id.to_string()).unwrap_or_default();
        idempotency::digest(&[
            person.as_bytes(),
            drop.as_bytes(),
            &self.length.to_be_bytes(),
            self.file_name.as_bytes(),
            self.metadata.as_bytes(),
            &[u8::from(self.held)],
        ])
    }
}

/// The upload-only link by which an upload comes, and what it takes of all files together.
#[derive(Clone, Copy, Debug)]
pub struct ForDrop {
    pub id: DropId,
    pub max_bytes: u64,
}

/// What an upload became, as somebody may know who sent it.
#[derive(Clone, Debug)]
pub struct Finished {
    pub file_name: String,
    pub size: u64,
    pub fingerprint: [u8; 32],
    pub at: Time,
}

impl From<UploadRow> for Upload {
    fn from(row: UploadRow) -> Upload {
        Upload {
            id: UploadId(row.id),
            office: OfficeId(row.office),
            person: row.person.map(PersonId),
            drop: row.drop_id.map(DropId),
            length: row.length as u64,
            received: row.received as u64,
            file_name: row.file_name,
            metadata: row.metadata,
            held: row.held,
            document: row.document.map(DocumentId),
            expires_at: Time(row.expires_at),
            failed: row.failed,
        }
    }
}

/// What is sealed of a part at a time: its ciphertext need not lie in memory twice.
const SLICE: usize = 256 << 10;

impl Upload {
    pub fn is_complete(&self) -> bool {
        self.received == self.length
    }
}

/// How many bytes of a PATCH are durable now, and what cut it short.
#[derive(Debug)]
pub struct Appended {
    pub received: u64,
    pub cut: Option<Error>,
}

impl Ingest {
    /// `named`: the claim on the name of the request, whose repeat finds this upload by [`begun_before`].
    pub async fn begin_upload(&self, begin: Begin, named: Option<First>) -> Result<Upload> {
        if begin.length > self.limits.max_bytes {
            return Err(too_large(self.limits.max_bytes));
        }
        if begin.length == 0 {
            return Err(Error::invalid(
                "/file",
                say("Berkas kosong. Pilih berkas yang berisi.", "The file is empty. Choose one with content."),
            ));
        }
        self.must_have_room(begin.office, None, begin.length).await?;
        let now = self.clock.now();
        let mut tx = self.db.write().await?;
        self.find_place(&mut tx, &begin, now).await?;
        let digest = begin.digest();
        let row = UploadRow {
            id: id::fresh(&self.clock),
            office: begin.office.0,
            person: begin.person.map(|person| person.0),
            drop_id: begin.drop.map(|drop| drop.id.0),
            length: begin.length as i64,
            received: 0,
            file_name: begin.file_name,
            metadata: begin.metadata,
            held: begin.held,
            document: None,
            expires_at: now.plus(Duration::from_secs(3600 * self.limits.expire_hours)).0,
            failed: None,
        };
        sql::insert_upload(&mut tx, &row, now).await?;
        let upload = Upload::from(row);
        if let Some(first) = named {
            first.settle(&mut tx, &digest, upload.id.to_string().as_bytes()).await?;
        }
        tx.commit().await?;
        point(Point::UploadBegun);
        Ok(upload)
    }

    /// Strangers never take the places of the office's own people: each upload-only link has its own, and what was begun
    /// by it and not finished has at most twice the bytes that it takes, so that a cut sender can begin anew.
    async fn find_place(&self, tx: &mut Tx, begin: &Begin, now: Time) -> Result<()> {
        let most = self.limits.max_open;
        if let Some(drop) = begin.drop {
            let (open, bytes) = sql::open_in_drop(tx, drop.id, now).await?;
            let fits = (bytes as u64).saturating_add(begin.length) <= drop.max_bytes.saturating_mul(2);
            return if open < most && fits { Ok(()) } else { Err(too_many(many_in_drop())) };
        }
        if sql::open_uploads(tx, begin.office, now).await? < most {
            return Ok(());
        }
        Err(too_many(say(
            format!(
                "Kantor ini sudah memulai {most} unggahan yang belum selesai (upload.max_open). Selesaikan atau batalkan dahulu."
            ),
            format!(
                "This office has begun {most} uploads that are not finished (upload.max_open). Finish or cancel some first."
            ),
        )))
    }

    /// The receipt of an upload that became a document; none before.
    pub async fn finished(&self, id: UploadId) -> Result<Option<Finished>> {
        let Some((file_name, size, fingerprint, at)) = sql::finished(&self.db, id).await? else { return Ok(None) };
        let fingerprint = fingerprint.try_into().map_err(|_| Error::internal("a fingerprint of 32 bytes"))?;
        Ok(Some(Finished { file_name, size: size as u64, fingerprint, at: Time(at) }))
    }

    /// The upload if `may` accepts it and it has not expired, else 404.
    pub async fn upload(&self, id: UploadId, may: impl Fn(&Upload) -> bool) -> Result<Upload> {
        let upload: Upload = sql::upload(&self.db, id).await?.ok_or_else(Error::not_found)?.into();
        if may(&upload) && upload.expires_at > self.clock.now() { Ok(upload) } else { Err(Error::not_found()) }
    }

    /// Takes bytes from `upload.received` on. Every full piece is durable before the next is read; when the link is cut,
    /// what arrived is kept and told.
    pub async fn append<S>(&self, upload: &Upload, mut bytes: S) -> Result<Appended>
    where
        S: Stream<Item = Result<Bytes>> + Send + Unpin,
    {
        let mut received = upload.received;
        let mut piece = BytesMut::new();
        let cut = loop {
            match bytes.next().await {
                Some(Ok(mut more)) => {
                    if received + (piece.len() + more.len()) as u64 > upload.length {
                        break Some(longer_than_said(upload.length));
                    }
                    while piece.len() + more.len() >= self.limits.part_bytes {
                        // Filled to the last byte and no further, so that its buffer never grows to the next size.
                        piece.extend_from_slice(&more.split_to(self.limits.part_bytes - piece.len()));
                        received = self.keep_part(upload, received, std::mem::take(&mut piece).freeze()).await?;
                    }
                    piece.extend_from_slice(&more);
                }
                Some(Err(cause)) => break Some(cause),
                None => break None,
            }
        };
        if !piece.is_empty() {
            received = self.keep_part(upload, received, piece.freeze()).await?;
        }
        Ok(Appended { received, cut })
    }

    /// Bytes whose checksum the client sent: all of them or none.
    pub async fn append_whole(&self, upload: &Upload, bytes: Bytes) -> Result<u64> {
        if upload.received + bytes.len() as u64 > upload.length {
            return Err(longer_than_said(upload.length));
        }
        let mut received = upload.received;
        let mut rest = bytes;
        while !rest.is_empty() {
            let piece = rest.split_to(rest.len().min(self.limits.part_bytes));
            received = self.keep_part(upload, received, piece).await?;
        }
        Ok(received)
    }

    async fn keep_part(&self, upload: &Upload, start: u64, piece: Bytes) -> Result<u64> {
        let size = piece.len() as u64;
        // Sliced in here, so that nobody holds the plain bytes while the store is waited for.
        let slices = move |at: usize| Ok(piece.slice(at..piece.len().min(at + SLICE)));
        let (sealed, body) = self.seal(stream::iter((0..size as usize).step_by(SLICE).map(slices))).await?;
        let part = i64::from_be_bytes(id::random()) & i64::MAX;
        self.store.put(&part_name(upload.id, part), &body).await?;
        point(Point::PartStored);
        let context = part_context(upload.id, part);
        let wrapped = self.keys.seal(upload.office, &context, &sealed.key.to_bytes()).await?;
        let row = PartRow { start: start as i64, part, size: size as i64, wrapped };
        let mut tx = self.db.write().await?;
        if !sql::advance(&mut tx, upload.id, start as i64, size as i64).await? {
            drop(tx);
            // Another request was first: nothing names this part, and nobody would find it again.
            self.store.delete(&part_name(upload.id, part)).await?;
            return Err(wrong_offset());
        }
        sql::insert_part(&mut tx, upload.id, &row).await?;
        tx.commit().await?;
        point(Point::PartCommitted);
        Ok(start + size)
    }

    /// Streams the parts, opened, through the ordinary way in. One wrong answer on its way is no damage: what does not open is
    /// asked for again before it counts as lost, which is an error of the kind `Gone`.
    pub async fn receive_upload(&self, upload: &Upload) -> Result<Received> {
        match self.receive_parts(upload).await {
            Err(cause) if cause.kind() == Kind::Gone => self.receive_parts(upload).await,
            received => received,
        }
    }

    async fn receive_parts(&self, upload: &Upload) -> Result<Received> {
        let parts = self.parts_of(upload).await?;
        let source = Source::new(upload.office, upload.file_name.clone(), self.limits.max_bytes);
        let (ingest, upload) = (self.clone(), upload.clone());
        let bytes = async_stream::try_stream! {
            for part in parts {
                let mut pieces = ingest.open_part(&upload, &part).await?;
                while let Some(piece) = pieces.next().await {
                    yield piece?;
                }
            }
        };
        self.receive(source, Box::pin(bytes)).await
    }

    /// All parts of an upload that is complete.
    async fn parts_of(&self, upload: &Upload) -> Result<Vec<PartRow>> {
        let parts = sql::parts(&self.db, upload.id).await?;
        let kept: i64 = parts.iter().map(|part| part.size).sum();
        if kept as u64 == upload.length { Ok(parts) } else { Err(lost(Error::internal("a part has no row"))) }
    }

    /// The bytes of a part, opened while they are read: several parts' worth at once would be much memory.
    async fn open_part(&self, upload: &Upload, part: &PartRow) -> Result<BoxStream<'static, Result<Bytes>>> {
        let pieces = self.open_sealed(upload, part).await.map_err(lost)?;
        Ok(pieces.map(|piece| piece.map_err(lost)).boxed())
    }

    async fn open_sealed(&self, upload: &Upload, part: &PartRow) -> Result<BoxStream<'static, Result<Bytes>>> {
        let context = part_context(upload.id, part.part);
        let key = self.keys.open(upload.office, &context, &part.wrapped).await?;
        let opener = seal::Opener::new(&seal::ObjectKey::from_bytes(&key)?);
        let plan = opener.plan_whole();
        let sealed = self.store.get(&part_name(upload.id, part.part), Some(plan.sealed())).await?;
        Ok(opener.open_stream(plan, sealed.stream).boxed())
    }

    /// The bytes of a held picture, asked for again as [`Ingest::receive_upload`] does.
    pub async fn held_bytes(&self, upload: &Upload) -> Result<Vec<Bytes>> {
        match self.opened_parts(upload).await {
            Err(cause) if cause.kind() == Kind::Gone => self.opened_parts(upload).await,
            opened => opened,
        }
    }

    async fn opened_parts(&self, upload: &Upload) -> Result<Vec<Bytes>> {
        let mut all = Vec::new();
        for part in self.parts_of(upload).await? {
            let mut pieces = self.open_part(upload, &part).await?;
            while let Some(piece) = pieces.next().await {
                all.push(piece?);
            }
        }
        Ok(all)
    }

    /// Ties the upload to its document, once. False: another completion was first, roll back.
    pub async fn finish_upload(&self, tx: &mut Tx, id: UploadId, document: DocumentId) -> Result<bool> {
        sql::complete(tx, id, document).await
    }

    /// Remembers why an upload that is complete cannot become a document. False where that is known, or where it became one.
    pub async fn fail_upload(&self, id: UploadId, why: &str) -> Result<bool> {
        let mut tx = self.db.write().await?;
        let is_new = sql::set_failed(&mut tx, id, why).await?;
        tx.commit().await?;
        Ok(is_new)
    }

    /// What becomes of an upload whose parts do not open: the document, where another completion was first and took them away
    /// itself. Else it has failed, and the operator is told once. Its parts stay until it expires: they may open again, as where
    /// the store comes back from a backup, and whoever asks then has the document.
    pub async fn give_up(&self, upload: &Upload, cause: &Error) -> Result<Option<DocumentId>> {
        if self.fail_upload(upload.id, cause.slug()).await? {
            tracing::error!(upload = %upload.id, cause = %cause.chain(),
                "parts of an upload are damaged or gone; its sender is told to begin again");
            return Ok(None);
        }
        let now = sql::upload(&self.db, upload.id).await?;
        Ok(now.and_then(|row| row.document).map(DocumentId))
    }

    /// Objects first: an object without a row would never be found again.
    pub async fn drop_parts(&self, id: UploadId) -> Result<()> {
        for part in sql::parts(&self.db, id).await? {
            self.store.delete(&part_name(id, part.part)).await?;
        }
        point(Point::PartsDeleted);
        let mut tx = self.db.write().await?;
        sql::delete_parts(&mut tx, id).await?;
        tx.commit().await
    }

    /// Ends an upload: termination by its maker, or expiry.
    pub async fn drop_upload(&self, id: UploadId) -> Result<()> {
        self.drop_parts(id).await?;
        let mut tx = self.db.write().await?;
        sql::delete_upload(&mut tx, id).await?;
        tx.commit().await
    }

    /// Takes away what expired. Returns how many.
    pub async fn drop_expired(&self, limit: i64) -> Result<usize> {
        let expired = sql::expired(&self.db, self.clock.now(), limit).await?;
        for (id,) in &expired {
            self.drop_upload(UploadId(*id)).await?;
        }
        Ok(expired.len())
    }

    pub(super) async fn seal<S>(&self, bytes: S) -> Result<(seal::Sealed, seal::SealedBody)>
    where
        S: Stream<Item = Result<Bytes>> + Send + Unpin,
    {
        let limits = seal::Limits {
            max_plain: self.limits.max_bytes,
            spool_memory: self.limits.spool_memory_bytes,
            spool_folder: self.limits.spool.clone(),
        };
        seal::seal_stream(bytes, &limits, self.recovery.now().as_deref()).await
    }
}

/// The upload that a request of the same name began.
pub fn begun_before(answer: &[u8]) -> Result<UploadId> {
    std::str::from_utf8(answer).map_err(Error::internal)?.parse::<UploadId>().map_err(Error::internal)
}

fn part_name(upload: UploadId, part: i64) -> ObjectName {
    ObjectName::part(upload, part as u64)
}

fn part_context(upload: UploadId, part: i64) -> Vec<u8> {
    format!("part:{upload}:{part}").into_bytes()
}

/// A part that does not open. A store or a database that is away tells nothing about it.
fn lost(cause: Error) -> Error {
    if blob::is_away(&cause) { cause } else { damaged().because(cause) }
}

/// What is told of an upload that cannot go on because a part of it is damaged or gone.
pub fn damaged() -> Error {
    Error::new(
        Kind::Gone,
        "upload-damaged",
        say(
            "Sebagian dari unggahan ini rusak atau hilang di penyimpanan, sehingga tidak dapat dilanjutkan. Unggah berkas itu sekali lagi dari awal.",
            "A part of this upload is damaged or gone from the store, so it cannot go on. Upload that file again from the beginning.",
        ),
    )
}

pub fn wrong_offset() -> Error {
    Error::conflict(
        "upload-offset",
        say(
            "Letak lanjutan tidak cocok. Tanyakan letak terakhir dengan HEAD, lalu lanjutkan dari situ.",
            "The offset does not fit. Ask for the present one with HEAD and go on from there.",
        ),
    )
}

fn too_many(detail: Say) -> Error {
    Error::new(Kind::TooMany, "too-many-uploads", detail).retry_after(60)
}

fn many_in_drop() -> Say {
    say(
        "Lewat tautan ini terlalu banyak unggahan dimulai dan belum selesai. Lanjutkan yang sudah dimulai, atau coba lagi nanti.",
        "Too many uploads were begun by this link and are not finished. Go on with those, or try again later.",
    )
}

fn longer_than_said(length: u64) -> Error {
    Error::too_large(say(
        format!("Kiriman lebih panjang dari {length} bita yang disebut di awal."),
        format!("More bytes came than the {length} announced."),
    ))
}
