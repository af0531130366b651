//! The files of containers, read instruction by instruction: nothing is built here.

use std::path::Path;

use lumbung::config::Config;

use super::{Checks, compose, config, text, words};

pub const CHECKS: Checks = &[
    ("Containerfile", the_image_is_what_its_configuration_expects),
    ("minio.Containerfile", the_store_listens_where_the_nodes_look),
];

const FILES: [&str; 2] = ["Containerfile", "minio.Containerfile"];

/// From one `FROM` to the next.
struct Stage {
    image: String,
    lines: Vec<(String, String)>,
}

impl Stage {
    /// What follows each instruction of this name.
    fn all(&self, word: &str) -> Vec<&str> {
        self.lines.iter().filter(|(known, _)| known == word).map(|(_, rest)| rest.as_str()).collect()
    }

    fn only(&self, word: &str) -> &str {
        let all = self.all(word);
        assert_eq!(all.len(), 1, "{word} stands there once: {all:?}");
        all[0]
    }

    fn list(&self, word: &str) -> Vec<String> {
        serde_json::from_str(self.only(word)).expect("a list")
    }

    /// The commands of all `RUN`.
    fn commands(&self) -> Vec<&str> {
        self.all("RUN").into_iter().flat_map(|run| run.split(" && ")).collect()
    }

    /// An option with which the user is made as whom the container runs.
    fn of_user(&self, option: &str) -> &str {
        let user = self.only("USER");
        let mut made = self.commands().into_iter().filter(|command| command.starts_with("useradd "));
        let made = made.find(|command| command.ends_with(&format!(" {user}")));
        let mut words = made.unwrap_or_else(|| panic!("nothing makes the user {user}")).split(' ');
        words
            .find(|word| *word == option)
            .and_then(|_| words.next())
            .unwrap_or_else(|| panic!("{user} has no {option}"))
    }

    fn version(&self) -> &str {
        self.image.rsplit_once(':').expect("a version").1
    }
}

fn stages(name: &str) -> Vec<Stage> {
    let text = text(name);
    // A comment may stand in the midst of an instruction of several lines.
    let plain: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    let mut stages: Vec<Stage> = Vec::new();
    for line in plain.join("\n").replace("\\\n", " ").lines().filter(|line| !line.is_empty()) {
        let mut words = line.split_whitespace();
        let first = words.next().unwrap_or_default().to_owned();
        if first == "FROM" {
            let image = words.next().expect("an image").to_owned();
            stages.push(Stage { image, lines: Vec::new() });
        } else {
            let stage = stages.last_mut().expect("FROM comes first");
            stage.lines.push((first, words.collect::<Vec<_>>().join(" ")));
        }
    }
    stages
}

/// What is left in the end.
fn image(name: &str) -> Stage {
    stages(name).pop().expect("an image")
}

#[test]
fn every_image_is_named_with_its_version() {
    let built = FILES.into_iter().flat_map(stages).map(|stage| stage.image);
    let compose = compose();
    let services = compose["services"].as_object().expect("services").values();
    let fetched = services.filter_map(|service| service["image"].as_str().map(str::to_owned));
    for image in built.chain(fetched) {
        let (place, version) = image.rsplit_once(':').unwrap_or((image.as_str(), "latest"));
        assert!(place.starts_with("docker.io/"), "{image}: from where?");
        assert!(version.starts_with(|c: char| c.is_ascii_alphanumeric()) && version != "latest", "{image}: which one?");
    }
}

#[test]
fn a_container_runs_as_a_user_of_its_own_what_was_built_for_its_system() {
    for name in FILES {
        let (stages, image) = (stages(name), image(name));
        assert_ne!(image.of_user("--uid"), "0", "{name}");
        let program = image.list("ENTRYPOINT").remove(0);
        let copied = image.only("COPY").strip_prefix("--from=build ").expect("from the stage that built it");
        let (from, to) = copied.split_once(' ').expect("two paths");
        assert_eq!(to, program, "{name}");
        assert_eq!(Path::new(from).file_name(), Path::new(to).file_name(), "{name}");
        // Built on a newer Debian, it would miss the C library that it was linked to.
        let debian = image.version().trim_end_matches("-slim");
        assert!(stages[0].version().ends_with(debian), "{name}: {} is not for {debian}", stages[0].image);
    }
}

#[test]
fn no_image_holds_a_secret() {
    for name in FILES {
        for stage in stages(name) {
            for setting in ["ENV", "ARG"].into_iter().flat_map(|word| stage.all(word)) {
                let is_secret = ["PASSWORD", "SECRET", "KEY", "TOKEN"].iter().any(|word| setting.contains(word));
                assert!(!is_secret, "{name}: {setting}");
            }
        }
    }
    // What is sent to the builder lies in its store ever after.
    let lines = |name: &str| std::fs::read_to_string(name).unwrap_or_else(|cause| panic!("{name}: {cause}"));
    let (ignored, unsent) = (lines(".gitignore"), lines(".dockerignore"));
    for own in ignored.lines().filter_map(|line| line.strip_prefix('/')).filter(|line| line.starts_with("deploy/")) {
        assert!(unsent.lines().any(|line| line == own), "{own} is missing in .dockerignore");
    }
}

#[test]
fn the_image_is_what_its_configuration_expects() {
    let (image, config) = (image("Containerfile"), config("lumbung.toml"));
    let defaults = Config::from_layers("", []).expect("right");
    for listen in [&config.server.listen, &defaults.server.listen] {
        assert!(listen.ends_with(&format!(":{}", image.only("EXPOSE"))), "{listen}");
    }
    let data = config.data.dir.display().to_string();
    let key = config.keys.master_file.parent().expect("a folder").display().to_string();
    assert_eq!(image.of_user("--home-dir"), data);
    assert_eq!(image.list("VOLUME"), [data, key]);
    let command = image.list("CMD");
    assert_eq!(command[..2], ["serve", "--config"]);
    for node in ["lumbung1", "lumbung2"] {
        let mounted = words(&compose()["services"][node]["volumes"]);
        assert!(mounted.contains(&format!("./lumbung.toml:{}:ro", command[2])), "{node}: {mounted:?}");
    }
    let (commands, readme) = (image.commands().join(" "), text("README.md"));
    for language in config.reading.languages.split('+').chain(["osd"]) {
        let package = format!("tesseract-ocr-{language}");
        for (place, text) in [("Containerfile", &commands), ("README.md", &readme)] {
            assert!(text.split_whitespace().any(|word| word == package), "{place} does not install {package}");
        }
    }
}

#[test]
fn the_image_is_built_by_a_rust_that_is_new_enough() {
    let number = |text: &str| -> Vec<u32> { text.split('.').map(|part| part.parse().expect("a number")).collect() };
    let stages = stages("Containerfile");
    let (rust, _) = stages[0].version().split_once('-').expect("of Rust and of Debian");
    assert!(number(rust) >= number(env!("CARGO_PKG_RUST_VERSION")), "{rust}");
}

#[test]
fn the_store_listens_where_the_nodes_look() {
    let (image, config) = (image("minio.Containerfile"), config("lumbung.toml"));
    let (_, port) = config.storage.s3_endpoint.rsplit_once(':').expect("a port");
    let folder = image.only("VOLUME");
    assert_eq!(image.list("CMD"), ["server", "--address", format!(":{port}").as_str(), folder]);
    let mounted = words(&compose()["services"]["minio"]["volumes"]);
    assert!(mounted.contains(&format!("minio:{folder}")), "{mounted:?}");
}

/// Both need the store's secret, one as the owner of its file and one as its group.
#[test]
fn the_secrets_are_given_to_those_who_read_them() {
    let (lumbung, minio) = (image("Containerfile"), image("minio.Containerfile"));
    let given =
        format!("chown {}:{} secrets/* && chmod 0640 secrets/*", lumbung.of_user("--uid"), minio.of_user("--gid"));
    assert!(text("README.md").contains(&given), "README.md does not say: {given}");
}
