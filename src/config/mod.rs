//! Configuration: one commented default file compiled in, then the operator's file, then the environment
//! (`LUMBUNG__SECTION__KEY`, a section inside a section likewise); validated whole at start, every mistake listed at once with its key.

mod secret;
mod sections;

pub use secret::secret_file;
pub use sections::*;

use std::path::{Path, PathBuf};

use crate::error::{Error, Kind, Result, say};

/// The defaults with their comments; `lumbung config show --default` prints them.
pub const DEFAULT: &str = include_str!("../../lumbung.default.toml");

const ENVIRONMENT: &str = "LUMBUNG__";

/// One mistake of the operator: where, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    pub key: String,
    pub detail: String,
}

impl Config {
    /// Reads the three layers. `environment` is passed in so that a test can hold its own.
    pub fn load(file: Option<&Path>, environment: impl IntoIterator<Item = (String, String)>) -> Result<Config> {
        let text = match file {
            Some(path) => std::fs::read_to_string(path).map_err(|cause| unreadable(path, cause))?,
            None => String::new(),
        };
        Config::from_layers(&text, environment).map_err(|mistakes| refused(&mistakes))
    }

    pub fn from_layers(
        file: &str,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Config, Vec<Mistake>> {
        let mut tree = defaults();
        let mut mistakes = Vec::new();
        match file.parse::<toml::Table>() {
            Ok(layer) => overlay(&mut tree, layer, "", &mut mistakes),
            Err(cause) => mistakes.push(Mistake { key: "(file)".into(), detail: cause.to_string() }),
        }
        overlay(&mut tree, from_environment(environment, &mut mistakes), "", &mut mistakes);
        match tree.try_into::<Config>() {
            Ok(config) => {
                mistakes.extend(config.mistakes());
                if mistakes.is_empty() { Ok(config.resolved()) } else { Err(mistakes) }
            }
            Err(cause) => {
                mistakes.push(Mistake { key: "(file)".into(), detail: cause.to_string() });
                Err(mistakes)
            }
        }
    }

    /// Fills what follows from `data.dir`.
    fn resolved(mut self) -> Config {
        let dir = self.data.dir.clone();
        let under = |path: &mut PathBuf, name: &str| {
            if path.as_os_str().is_empty() {
                *path = dir.join(name);
            }
        };
        under(&mut self.storage.folder, "store");
        under(&mut self.keys.master_file, "master.key");
        under(&mut self.search.dir, "index");
        under(&mut self.upload.spool, "spool");
        if self.database.url.is_empty() {
            self.database.url = format!("sqlite:{}", dir.join("lumbung.db").display());
        }
        self
    }

    /// The configuration as `lumbung config show` prints it: no secret is in it, only the files that hold them.
    pub fn shown(&self) -> Result<String> {
        toml::to_string_pretty(&self.public()).map_err(Error::internal)
    }

    /// The same without any secret that somebody wrote into it.
    pub fn public(&self) -> Config {
        let mut public = self.clone();
        public.database.url = without_password(&public.database.url);
        public
    }
}

fn defaults() -> toml::Table {
    DEFAULT.parse().expect("the default file is checked by a test")
}

/// Lays `layer` over `tree`. The default file names every key, so that an unknown key or another type is a mistake.
fn overlay(tree: &mut toml::Table, layer: toml::Table, path: &str, mistakes: &mut Vec<Mistake>) {
    for (name, value) in layer {
        let key = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        match (tree.get_mut(&name), value) {
            (None, _) => mistakes.push(Mistake {
                key,
                detail: "kunci tidak dikenal / unknown key; lihat / see `lumbung config show --default`".into(),
            }),
            (Some(toml::Value::Table(below)), toml::Value::Table(value)) => overlay(below, value, &key, mistakes),
            (Some(slot), value) if slot.same_type(&value) => *slot = value,
            (Some(slot), value) => mistakes.push(Mistake {
                key,
                detail: format!("diharapkan / expected {}, bukan / found {}", slot.type_str(), value.type_str()),
            }),
        }
    }
}

fn from_environment(
    environment: impl IntoIterator<Item = (String, String)>,
    mistakes: &mut Vec<Mistake>,
) -> toml::Table {
    let known = defaults();
    let mut layer = toml::Table::new();
    for (name, text) in environment {
        let Some(rest) = name.strip_prefix(ENVIRONMENT) else { continue };
        let lower = rest.to_lowercase();
        let path: Vec<&str> = lower.split("__").collect();
        if path.len() < 2 {
            mistakes.push(Mistake { key: name, detail: "diharapkan / expected LUMBUNG__SECTION__KEY".into() });
            continue;
        }
        // A text key takes the value as it is; any other key reads it as TOML (`8080`, `true`, `["a"]`).
        let is_text = at(&known, &path).is_none_or(toml::Value::is_str);
        let value = if is_text { toml::Value::String(text) } else { typed(&text) };
        insert(&mut layer, &path, value);
    }
    layer
}

fn at<'a>(table: &'a toml::Table, path: &[&str]) -> Option<&'a toml::Value> {
    let (first, rest) = path.split_first()?;
    let value = table.get(*first)?;
    if rest.is_empty() { Some(value) } else { at(value.as_table()?, rest) }
}

fn insert(table: &mut toml::Table, path: &[&str], value: toml::Value) {
    let Some((first, rest)) = path.split_first() else { return };
    if rest.is_empty() {
        table.insert((*first).to_owned(), value);
        return;
    }
    let below = table.entry(*first).or_insert_with(|| toml::Value::Table(toml::Table::new()));
    if let toml::Value::Table(below) = below {
        insert(below, rest, value);
    }
}

fn typed(text: &str) -> toml::Value {
    format!("v = {text}")
        .parse::<toml::Table>()
        .ok()
        .and_then(|mut table| table.remove("v"))
        .unwrap_or_else(|| toml::Value::String(text.to_owned()))
}

fn without_password(url: &str) -> String {
    match (url.find("://"), url.rfind('@')) {
        (Some(start), Some(end)) if start + 3 < end => format!("{}://***{}", &url[..start], &url[end..]),
        _ => url.to_owned(),
    }
}

fn unreadable(path: &Path, cause: std::io::Error) -> Error {
    let path = path.display();
    Error::new(
        Kind::Invalid,
        "config",
        say(
            format!("Berkas konfigurasi {path} tidak dapat dibaca: {cause}"),
            format!("The configuration file {path} cannot be read: {cause}"),
        ),
    )
}

fn refused(mistakes: &[Mistake]) -> Error {
    let error = Error::new(
        Kind::Invalid,
        "config",
        say("Konfigurasi belum benar; perbaiki:", "The configuration is not right; correct:"),
    );
    mistakes.iter().fold(error, |error, Mistake { key, detail }| error.field(key, say(detail.clone(), detail.clone())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(result: Result<Config, Vec<Mistake>>) -> Vec<String> {
        result.err().unwrap_or_default().into_iter().map(|mistake| mistake.key).collect()
    }

    #[test]
    fn the_defaults_stand_on_their_own() {
        let config = Config::from_layers("", []).expect("defaults are valid");
        assert_eq!(config.database.url, "sqlite:lumbung-data/lumbung.db");
        assert_eq!(config.storage.folder, Path::new("lumbung-data/store"));
    }

    #[test]
    fn every_mistake_is_listed_at_once_with_its_key() {
        let file = "[server]\nlisten = 5\nlisten_on = \"x\"\n[nonsense]\na = 1\n[queue]\nworkers = 0\n";
        let found = keys(Config::from_layers(file, []));
        for key in ["server.listen", "server.listen_on", "nonsense", "queue.workers"] {
            assert!(found.iter().any(|mistake| mistake == key), "{key} is missing in {found:?}");
        }
    }

    /// What a caller may write is neither nothing nor more than the database and its indexes bear.
    #[test]
    fn no_length_is_useless_or_without_bounds() {
        let lengths = [
            ("upload.max_title", 0, 10_001),
            ("upload.max_file_name", 31, 1_001),
            ("session.max_password", 63, 4_097),
            ("session.max_login", 15, 255),
            ("session.max_name", 39, 1_001),
            ("session.max_token_label", 7, 1_001),
            ("links.max_label", 0, 1_001),
            ("links.max_password", 7, 4_097),
            ("links.max_opens", 0, 1_000_000_001),
            ("links.drop_days", 0, 3_661),
            ("links.drop_files", 0, 1_000_000_001),
            ("links.drop_bytes", 0, 1_000_000_000_000_001_i64),
            ("links.drop_types", 0, 1_001),
            ("limits.field_chars", 0, 10_001),
            ("limits.summary_chars", 0, 100_001),
            ("limits.word_chars", 0, 201),
            ("limits.note_chars", 0, 10_001),
            ("limits.reason_chars", 0, 10_001),
            ("limits.office_name_chars", 0, 1_001),
            ("limits.office_address_chars", 0, 10_001),
            ("limits.idempotency_key_bytes", 35, 2_001),
        ];
        let found = |key: &str, value: i64| {
            let (section, name) = key.split_once('.').expect("a section");
            keys(Config::from_layers(&format!("[{section}]\n{name} = {value}\n"), []))
        };
        for (key, little, much) in lengths {
            for value in [little, much] {
                assert_eq!(found(key, value), [key], "{value}");
            }
            for value in [little + 1, much - 1] {
                assert_eq!(found(key, value), [""; 0], "{key} = {value}");
            }
        }
        let crossed = "[session]\nmin_password = 100\nmax_password = 90\nmin_login = 20\nmax_login = 19\n\
                       [links]\nmin_password = 30\nmax_password = 20\n";
        let found = keys(Config::from_layers(crossed, []));
        assert_eq!(found, ["session.max_password", "session.max_login", "links.max_password"]);
    }

    #[test]
    fn figures_are_told_at_no_address_that_the_internet_reaches() {
        let found = |listen: &str| keys(Config::from_layers(&format!("[metrics]\nlisten = {listen:?}\n"), []));
        for open in ["203.0.113.7:9464", "8.8.8.8:9464", "[2001:db8::1]:9464", "nowhere"] {
            assert_eq!(found(open), ["metrics.listen"], "{open}");
        }
        for inside in
            ["", "127.0.0.1:9464", "10.1.2.3:9464", "100.100.0.1:9464", "0.0.0.0:9464", "[::1]:9464", "[fd00::1]:9464"]
        {
            assert_eq!(found(inside), [""; 0], "{inside}");
        }
    }

    #[test]
    fn the_environment_wins_over_the_file() {
        let environment = [
            ("LUMBUNG__SERVER__LISTEN".to_owned(), "127.0.0.1:9".to_owned()),
            ("LUMBUNG__QUEUE__WORKERS".to_owned(), "7".to_owned()),
            ("LUMBUNG__STORAGE__MIRROR__FOLDER".to_owned(), "/mnt/second".to_owned()),
            ("PATH".to_owned(), "/bin".to_owned()),
        ];
        let config = Config::from_layers("[server]\nlisten = \"127.0.0.1:8\"", environment).expect("valid");
        assert_eq!(config.server.listen, "127.0.0.1:9");
        assert_eq!(config.queue.workers, 7);
        assert_eq!(config.storage.mirror.folder, Path::new("/mnt/second"));
    }

    #[test]
    fn what_is_shown_holds_no_password() {
        let file = "[database]\nurl = \"postgres://lumbung:hunter2@db/lumbung\"";
        let shown = Config::from_layers(file, []).expect("valid").shown().expect("serialisable");
        assert!(!shown.contains("hunter2") && shown.contains("postgres://***@db/lumbung"), "{shown}");
    }
}
