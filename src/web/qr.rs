//! A link as a QR code, drawn as one path.

use qrcode::{Color, EcLevel, QrCode};

#[derive(Debug)]
pub struct Qr {
    /// Modules on a side, the quiet zone included.
    pub side: usize,
    pub path: String,
}

const QUIET: usize = 4;

/// None when the text is too long for a code.
pub fn of(text: &str) -> Option<Qr> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
    let width = code.width();
    let mut path = String::new();
    for (at, color) in code.to_colors().into_iter().enumerate() {
        if color == Color::Dark {
            path.push_str(&format!("M{} {}h1v1h-1z", at % width + QUIET, at / width + QUIET));
        }
    }
    Some(Qr { side: width + 2 * QUIET, path })
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_code_has_its_three_finders_and_a_quiet_zone() {
        let qr =
            super::of("https://lumbung.example.id/s/0123456789abcdef#0123456789abcdefghijklmnopqrstuv").expect("fits");
        let last = qr.side - 5;
        for corner in ["M4 4h".to_owned(), format!("M{last} 4h"), format!("M4 {last}h")] {
            assert!(qr.path.contains(&corner), "{corner}");
        }
        assert!(!qr.path.contains("M3 ") && !qr.path.contains("M0 "));
    }
}
