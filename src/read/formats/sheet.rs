//! XLSX: cell after cell. Never a whole sheet at once: two cells far apart would ask for half a terabyte.

use super::office::Pages;
use crate::read::{reason::Reason, wire::Limits};
use calamine::{DataRef, Reader, Xlsx, XlsxError};
use std::io::Cursor;

pub(super) fn pages(bytes: Vec<u8>, limits: &Limits) -> Result<Vec<String>, Reason> {
    let mut book = Xlsx::new(Cursor::new(bytes)).map_err(reason)?;
    let mut out = Pages::new(limits.max_text_bytes);
    for name in book.sheet_names() {
        // A sheet of charts has no cells; it is passed over.
        let Ok(mut cells) = book.worksheet_cells_reader(&name) else { continue };
        out.push(&name)?;
        out.end_line();
        let mut row = None;
        while let Some(cell) = cells.next_cell().map_err(reason)? {
            let here = cell.get_position().0;
            if row.is_some_and(|row| row != here) {
                out.end_line();
            }
            row = Some(here);
            let text = shown(cell.get_value());
            if !text.is_empty() {
                out.gap();
                out.push(&text)?;
            }
        }
        out.end_page();
    }
    out.finish()
}

fn shown(value: &DataRef<'_>) -> String {
    match value {
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => number.to_string(),
        DataRef::String(text) => text.clone(),
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Bool(yes) => yes.to_string(),
        DataRef::DateTime(moment) if moment.is_datetime() => {
            let (year, month, day, ..) = moment.to_ymd_hms_milli();
            format!("{day:02}-{month:02}-{year:04}")
        }
        DataRef::DateTime(duration) => duration.as_f64().to_string(),
        DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.clone(),
        _ => String::new(),
    }
}

fn reason(error: XlsxError) -> Reason {
    match error {
        XlsxError::Password => Reason::Encrypted,
        _ => Reason::Broken,
    }
}
