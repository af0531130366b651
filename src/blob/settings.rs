//! Where the sealed objects lie.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    pub kind: Kind,
    /// For `folder`: made at start where it is absent.
    pub folder: PathBuf,
    /// For `s3`.
    pub s3: S3Settings,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Folder,
    S3,
}

#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct S3Settings {
    /// Such as `http://127.0.0.1:9000`; empty for AWS's own address of the region.
    pub endpoint: String,
    pub region: String,
    pub bucket: String,
    pub access_key: String,
    /// Read from a file by whoever builds the settings; it is never printed.
    #[serde(skip)]
    pub secret_key: String,
    /// `http://host/bucket/key` instead of `http://bucket.host/key`: what servers of one's own usually want.
    pub path_style: bool,
    /// Makes the bucket at start where it is absent.
    pub create_bucket: bool,
    /// Days for which nobody can delete an object once it is put; 0 for none.
    pub object_lock_days: u32,
    pub patience: Patience,
}

/// How long a server is waited for. Sending a large object takes longer and gets the time that it needs on top.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Patience {
    pub connect: Duration,
    /// For the first byte of one answer, and for each further piece of it.
    pub answer: Duration,
    /// For a whole operation with its three attempts; one attempt takes at most a third of it.
    pub operation: Duration,
}

impl Default for Patience {
    fn default() -> Patience {
        Patience {
            connect: Duration::from_secs(3),
            answer: Duration::from_secs(15),
            operation: Duration::from_secs(90),
        }
    }
}

impl Settings {
    pub fn folder(path: impl Into<PathBuf>) -> Settings {
        Settings { kind: Kind::Folder, folder: path.into(), s3: S3Settings::default() }
    }

    pub fn s3(s3: S3Settings) -> Settings {
        Settings { kind: Kind::S3, folder: PathBuf::new(), s3 }
    }
}

impl fmt::Debug for S3Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Settings")
            .field("endpoint", &self.endpoint)
            .field("region", &self.region)
            .field("bucket", &self.bucket)
            .field("path_style", &self.path_style)
            .field("create_bucket", &self.create_bucket)
            .field("object_lock_days", &self.object_lock_days)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_key_is_neither_printed_nor_written() {
        let settings = Settings::s3(S3Settings { secret_key: "hunter2".into(), ..S3Settings::default() });
        assert!(!format!("{settings:?}").contains("hunter2"));
        assert!(!serde_json::to_string(&settings).expect("serialisable").contains("hunter2"));
    }
}
