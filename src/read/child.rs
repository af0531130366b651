//! The jailed child: locks itself in, does one task, answers in frames, ends.

use super::{
    formats::{self, Document, ReadPage},
    locks,
    page::Picture,
    reason::Reason,
    watermark,
    wire::{self, Answer, FileLock, Limits, PictureKind, Task, View, Work},
};
use std::{
    fs::File,
    io::{self, BufWriter, Stdout},
    os::{
        fd::AsFd,
        unix::{fs::FileExt, process::CommandExt},
    },
    process::{Command, ExitCode},
};

/// The jail itself failed: nothing of the file was looked at.
const NO_JAIL: u8 = 125;

/// The whole life of the child. It must be called first thing in `main`, before any thread or runtime exists.
pub fn jail_main() -> ExitCode {
    let task = std::env::var(wire::TASK).ok().and_then(|json| serde_json::from_str::<Task>(&json).ok());
    let Some(task) = task else { return ExitCode::from(2) };
    let Ok(locked) = locks::lock_in(&task) else { return ExitCode::from(NO_JAIL) };
    if task.require_jail && locked.files == FileLock::None {
        let _ = wire::send(&mut io::stdout(), &Answer::Failed(Reason::NoJail), &[]);
        return ExitCode::from(NO_JAIL);
    }
    let mut out = BufWriter::new(io::stdout());
    let ended = match task.work {
        Work::Exec { program, args } => {
            drop(out);
            let _ = Command::new(program).args(args).exec();
            return ExitCode::from(NO_JAIL - 1);
        }
        Work::Report => wire::send(&mut out, &Answer::Locked(locks::try_to_break_out(locked)), &[]),
        Work::Read { media_type, limits, from } => read(&mut out, &media_type, &limits, from),
        Work::Picture { media_type, limits, view } => picture(&mut out, &media_type, &limits, &view),
        Work::Bind { parts, limits } => bind(&mut out, &parts, &limits),
    };
    if ended.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

type Out = BufWriter<Stdout>;

fn read(out: &mut Out, media_type: &str, limits: &Limits, from: u32) -> io::Result<()> {
    let opened = match formats::open(media_type, input()?, limits) {
        Ok(opened) => opened,
        Err(reason) => return wire::send(out, &Answer::Failed(reason), &[]),
    };
    let mut document = opened.document;
    let pages = document.pages().min(limits.max_pages);
    let too_many = document.pages() > limits.max_pages;
    let announce = Answer::Opened {
        media_type: opened.media_type,
        signed: opened.signed,
        pages,
        pictures: document.has_pictures(),
    };
    wire::send(out, &announce, &[])?;
    let ended = send_pages(out, &mut document, limits, from, pages);
    let incomplete = ended.err().or(too_many.then_some(Reason::TooManyPages));
    wire::send(out, &Answer::Done { incomplete }, &[])
}

fn send_pages(out: &mut Out, document: &mut Document, limits: &Limits, from: u32, pages: u32) -> Result<(), Reason> {
    let mut room = limits.max_text_bytes;
    let ended = document.read(limits, from, &mut |read: ReadPage| {
        if read.page.number > pages {
            return Err(Reason::TooManyPages);
        }
        room = room.checked_sub(read.page.text.len()).ok_or(Reason::TooMuchText)?;
        let (scan, pixels) = read.scan.as_ref().map_or((None, &[][..]), |(scan, grey)| (Some(*scan), grey.pixels()));
        // Where the pipe is closed nobody listens any more; the exit code is all that is left to say.
        wire::send(out, &Answer::Page { page: read.page, scan }, pixels).map_err(|_| Reason::ReaderFailed)
    });
    match ended {
        Err(Reason::TooManyPages) => Ok(()),
        other => other,
    }
}

fn picture(out: &mut Out, media_type: &str, limits: &Limits, view: &View) -> io::Result<()> {
    let made = formats::open(media_type, input()?, limits)
        .and_then(|mut opened| opened.document.picture(view, limits))
        .and_then(|picture| watermark::finish(picture, view));
    match made {
        Ok(Picture { bytes, media_type, width, height }) => {
            let kind = if media_type == "image/png" { PictureKind::Png } else { PictureKind::Jpeg };
            wire::send(out, &Answer::Picture { kind, width, height }, &bytes)
        }
        Err(reason) => wire::send(out, &Answer::Failed(reason), &[]),
    }
}

fn bind(out: &mut Out, parts: &[wire::Part], limits: &Limits) -> io::Result<()> {
    match formats::bind(&input()?, parts, limits) {
        Ok(pdf) => wire::send(out, &Answer::Bytes, &pdf),
        Err(reason) => wire::send(out, &Answer::Failed(reason), &[]),
    }
}

/// All of standard input, read without moving its offset: another child may be reading the same memory.
fn input() -> io::Result<Vec<u8>> {
    let file = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let len = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
    let mut bytes = vec![0; len];
    file.read_exact_at(&mut bytes, 0)?;
    Ok(bytes)
}
