//! Posted forms, and the mistakes in them: a page shows each beside its field and lists all of them on top, so that nobody
//! has to look for what is wrong.

use axum::extract::{FromRequest, Request};

use super::frame::Frame;
use crate::{
    app::App,
    error::{Error, Kind, Result},
    http,
};

/// The box that is ticked where pages with NIK or KK numbers are opened to many.
pub const CONFIRMED: &str = "pribadi";

/// The fields of a form as they were sent; a field may come several times.
#[derive(Clone, Debug, Default)]
pub struct Fields(Vec<(String, String)>);

impl FromRequest<App> for Fields {
    type Rejection = Error;

    async fn from_request(request: Request, app: &App) -> Result<Fields> {
        let http::Form(pairs) = <http::Form<Vec<(String, String)>>>::from_request(request, app).await?;
        Ok(Fields(pairs))
    }
}

impl Fields {
    pub fn of(pairs: Vec<(String, String)>) -> Fields {
        Fields(pairs)
    }

    pub fn add(&mut self, name: String, value: String) {
        self.0.push((name, value));
    }

    /// The field's text, or nothing.
    pub fn text(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str())
    }

    /// The trimmed text if there is any.
    pub fn given(&self, name: &str) -> Option<String> {
        Some(self.text(name).trim()).filter(|text| !text.is_empty()).map(str::to_owned)
    }

    pub fn all(&self, name: &str) -> Vec<String> {
        self.0.iter().filter(|(key, _)| key == name).map(|(_, value)| value.clone()).collect()
    }

    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(key, _)| key == name)
    }
}

/// A mistake, and the id of the field that it is in (empty for the whole form).
#[derive(Clone, Debug)]
pub struct Mistake {
    pub field: String,
    pub text: String,
}

#[derive(Clone, Debug, Default)]
pub struct Mistakes(pub Vec<Mistake>);

impl Mistakes {
    pub fn one(field: &str, text: impl Into<String>) -> Mistakes {
        Mistakes(vec![Mistake { field: field.to_owned(), text: text.into() }])
    }

    /// What a person can correct is shown on the form again; everything else goes on as an error. `names` gives the field
    /// of the form for the beginning of a pointer of the request.
    pub fn of(error: Error, frame: &Frame, names: &[(&str, &str)]) -> Result<Mistakes> {
        match error.kind() {
            Kind::Internal | Kind::Unavailable | Kind::NotFound => return Err(error),
            Kind::Unauthorized if error.slug() == "unauthorized" => return Err(error),
            _ => {}
        }
        if error.fields().is_empty() {
            let field = names.iter().find(|(slug, _)| *slug == error.slug()).map_or("", |(_, field)| *field);
            return Ok(Mistakes::one(field, frame.say(error.detail())));
        }
        let field_of = |pointer: &str| {
            names.iter().find(|(start, _)| pointer.starts_with(start)).map_or("", |(_, field)| *field).to_owned()
        };
        let list = error
            .fields()
            .iter()
            .map(|field| Mistake { field: field_of(&field.pointer), text: frame.say(&field.detail) });
        Ok(Mistakes(list.collect()))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is wrong with a field.
    pub fn at(&self, field: &str) -> Option<&str> {
        self.0.iter().find(|mistake| mistake.field == field).map(|mistake| mistake.text.as_str())
    }
}
