//! Bound parameters. Every variant holds an `Option`, so that a NULL keeps its type on PostgreSQL.

use data_encoding::BASE64;
use serde_json::Value as Json;
use sqlx::{Arguments, postgres::PgArguments, sqlite::SqliteArguments};
use uuid::Uuid;

use super::Type;
use crate::{
    clock::Time,
    error::{Error, Result},
    id,
};

#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Bool(Option<bool>),
    I64(Option<i64>),
    Text(Option<String>),
    Bytes(Option<Vec<u8>>),
    Uuid(Option<Uuid>),
}

macro_rules! from {
    ($($t:ty => $variant:ident by $map:expr;)*) => { $(
        impl From<$t> for Value {
            fn from(value: $t) -> Value {
                Value::$variant(Some($map(value)))
            }
        }
        impl From<Option<$t>> for Value {
            fn from(value: Option<$t>) -> Value {
                Value::$variant(value.map($map))
            }
        }
    )* };
}

from! {
    bool => Bool by std::convert::identity;
    i64 => I64 by std::convert::identity;
    u32 => I64 by i64::from;
    i32 => I64 by i64::from;
    Time => I64 by |at: Time| at.0;
    String => Text by std::convert::identity;
    &str => Text by str::to_owned;
    Vec<u8> => Bytes by std::convert::identity;
    &[u8] => Bytes by <[u8]>::to_vec;
    [u8; 32] => Bytes by |digest: [u8; 32]| digest.to_vec();
    Uuid => Uuid by std::convert::identity;
    id::DocumentId => Uuid by |id: id::DocumentId| id.0;
    id::VersionId => Uuid by |id: id::VersionId| id.0;
    id::BlobId => Uuid by |id: id::BlobId| id.0;
    id::OfficeId => Uuid by |id: id::OfficeId| id.0;
    id::PersonId => Uuid by |id: id::PersonId| id.0;
    id::PostId => Uuid by |id: id::PostId| id.0;
    id::SessionId => Uuid by |id: id::SessionId| id.0;
    id::TokenId => Uuid by |id: id::TokenId| id.0;
    id::LinkId => Uuid by |id: id::LinkId| id.0;
    id::DropId => Uuid by |id: id::DropId| id.0;
    id::JobId => Uuid by |id: id::JobId| id.0;
    id::UploadId => Uuid by |id: id::UploadId| id.0;
    id::AuditId => Uuid by |id: id::AuditId| id.0;
    id::GrantId => Uuid by |id: id::GrantId| id.0;
    id::ConsentId => Uuid by |id: id::ConsentId| id.0;
}

impl From<&String> for Value {
    fn from(value: &String) -> Value {
        Value::Text(Some(value.clone()))
    }
}

impl Value {
    /// As it stands in a record: ids in hex, bytes in base64.
    pub fn to_json(&self) -> Json {
        match self {
            Value::Bool(value) => value.map_or(Json::Null, Json::from),
            Value::I64(value) => value.map_or(Json::Null, Json::from),
            Value::Text(value) => value.as_deref().map_or(Json::Null, Json::from),
            Value::Bytes(value) => value.as_ref().map_or(Json::Null, |bytes| BASE64.encode(bytes).into()),
            Value::Uuid(value) => value.map_or(Json::Null, |id| id.simple().to_string().into()),
        }
    }

    /// The other way; an error for what the type cannot hold.
    pub fn from_json(json: Json, kind: Type) -> Result<Value> {
        let wrong = || Error::internal("a record holds a value of another type than its column");
        Ok(match (kind, json) {
            (kind, Json::Null) => kind.null(),
            (Type::Bool, Json::Bool(value)) => value.into(),
            (Type::I64, Json::Number(value)) => value.as_i64().ok_or_else(wrong)?.into(),
            (Type::Text, Json::String(value)) => value.into(),
            (Type::Bytes, Json::String(value)) => BASE64.decode(value.as_bytes()).map_err(|_| wrong())?.into(),
            (Type::Uuid, Json::String(value)) => Uuid::try_parse(&value).map_err(|_| wrong())?.into(),
            _ => return Err(wrong()),
        })
    }
}

macro_rules! params {
    ($($value:expr),* $(,)?) => { vec![$($crate::db::Value::from($value)),*] };
}
pub(crate) use params;

macro_rules! bind_all {
    ($name:ident, $arguments:ty) => {
        pub(super) fn $name(values: Vec<Value>) -> Result<$arguments> {
            let mut arguments = <$arguments>::default();
            for value in values {
                match value {
                    Value::Bool(value) => arguments.add(value),
                    Value::I64(value) => arguments.add(value),
                    Value::Text(value) => arguments.add(value),
                    Value::Bytes(value) => arguments.add(value),
                    Value::Uuid(value) => arguments.add(value),
                }
                .map_err(sqlx::Error::Encode)?;
            }
            Ok(arguments)
        }
    };
}
bind_all!(sqlite_arguments, SqliteArguments);
bind_all!(postgres_arguments, PgArguments);
