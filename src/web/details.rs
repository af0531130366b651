//! The fields of a document's details, on the forms that bring one in or change it.

use super::{
    form::{CONFIRMED, Fields},
    frame::Frame,
    sentences,
};
use crate::{
    document::{Changes, Details, Document, Limits, Reach, SecurityClass, Urgency},
    error::{Error, Result, say},
};

/// The form as it is shown: what stands in its fields.
#[derive(Clone, Debug)]
pub struct DetailsForm {
    pub is_new: bool,
    /// How much the fields take.
    pub limits: Limits,
    pub title: String,
    pub kind: String,
    pub classification: String,
    pub date: String,
    pub number: String,
    pub sender: String,
    pub recipient: String,
    pub summary: String,
    pub classes: Vec<Choice>,
    pub reaches: Vec<Choice>,
    pub urgencies: Vec<Choice>,
    /// Its pages hold NIK or KK numbers: opening it to the regency has to be confirmed.
    pub asks: bool,
    pub is_confirmed: bool,
}

#[derive(Clone, Debug)]
pub struct Choice {
    pub value: &'static str,
    pub label: &'static str,
    pub is_chosen: bool,
}

/// Which field of the form a mistake in the request belongs to.
pub const NAMES: &[(&str, &str)] = &[
    ("/title", "title"),
    ("/security_class", "security_class"),
    ("/reach", "reach"),
    ("/kind", "kind"),
    ("/urgency", "urgency"),
    ("/date", "date"),
    ("/number", "number"),
    ("/sender", "sender"),
    ("/recipient", "recipient"),
    ("/classification", "classification"),
    ("/summary", "summary"),
    ("/personal_data", CONFIRMED),
    ("class-needs-head", "security_class"),
];

impl DetailsForm {
    pub fn of(f: &Frame, fields: &Fields, limits: Limits, is_new: bool) -> DetailsForm {
        let text = |name: &str| fields.text(name).to_owned();
        let class = SecurityClass::parse(fields.text("security_class")).unwrap_or(SecurityClass::Biasa);
        let urgency = Urgency::parse(fields.text("urgency")).unwrap_or(Urgency::Biasa);
        let reach = Reach::parse(fields.text("reach")).unwrap_or(Reach::Kantor);
        let reaches = [
            (Reach::Kantor, f.t("Kantor ini saja", "This office only")),
            (
                Reach::Kabupaten,
                f.t("Semua kantor kabupaten (sifat biasa)", "Every office of the regency (ordinary class)"),
            ),
        ];
        let class_choice = |one: &SecurityClass| Choice {
            value: one.as_str(),
            label: sentences::class(f, *one),
            is_chosen: *one == class,
        };
        let urgency_choice = |one: &Urgency| Choice {
            value: one.as_str(),
            label: sentences::urgency(f, *one),
            is_chosen: *one == urgency,
        };
        DetailsForm {
            is_new,
            limits,
            title: text("title"),
            kind: text("kind"),
            classification: text("classification"),
            date: text("date"),
            number: text("number"),
            sender: text("sender"),
            recipient: text("recipient"),
            summary: text("summary"),
            classes: SecurityClass::ALL.iter().map(class_choice).collect(),
            reaches: reaches.map(|(one, label)| Choice { value: one.as_str(), label, is_chosen: one == reach }).into(),
            urgencies: Urgency::ALL.iter().map(urgency_choice).collect(),
            asks: false,
            is_confirmed: fields.has(CONFIRMED),
        }
    }
}

/// Whether opening a document to the regency has to be confirmed. Where it is open already, its page says so instead.
pub fn asks(document: &Document) -> bool {
    document.version.personal_data == Some(true) && document.details.reach == Reach::Kantor
}

pub fn must_be_confirmed(document: &Document, wanted: &Details, fields: &Fields) -> Result<()> {
    if !asks(document) || wanted.reach == Reach::Kantor || fields.has(CONFIRMED) {
        return Ok(());
    }
    Err(Error::invalid(
        "/personal_data",
        say(
            "Dokumen ini memuat NIK atau nomor KK. Centang bahwa Anda sudah memeriksanya, atau biarkan hanya kantor ini yang menemukannya.",
            "This document holds NIK or KK numbers. Tick that you have checked it, or let only this office find it.",
        ),
    ))
}

/// What stands in a document's details, as fields.
pub fn fields(details: &Details) -> Fields {
    let some = |value: &Option<String>| value.clone().unwrap_or_default();
    let pairs = [
        ("title", details.title.clone()),
        ("security_class", details.security_class.as_str().to_owned()),
        ("reach", details.reach.as_str().to_owned()),
        ("urgency", details.urgency.as_str().to_owned()),
        ("kind", some(&details.kind)),
        ("classification", some(&details.classification)),
        ("date", some(&details.date)),
        ("number", some(&details.number)),
        ("sender", some(&details.sender)),
        ("recipient", some(&details.recipient)),
        ("summary", some(&details.summary)),
    ];
    Fields::of(pairs.map(|(name, value)| (name.to_owned(), value)).into())
}

/// What a form asks for. A field that the form has and that is empty empties the detail.
pub fn changes(fields: &Fields) -> Changes {
    let field = |name: &str| fields.has(name).then(|| fields.given(name));
    let class = SecurityClass::parse(fields.text("security_class"));
    // Only class biasa can be within the regency's reach; a form that raises the class closes it.
    let reach = match class {
        Some(class) if class > SecurityClass::Biasa => Some(Reach::Kantor),
        _ => Reach::parse(fields.text("reach")),
    };
    Changes {
        title: fields.given("title"),
        kind: field("kind"),
        security_class: class,
        urgency: Urgency::parse(fields.text("urgency")),
        classification: field("classification"),
        reach,
        date: field("date"),
        number: field("number"),
        sender: field("sender"),
        recipient: field("recipient"),
        summary: field("summary"),
        labels: None,
    }
}
