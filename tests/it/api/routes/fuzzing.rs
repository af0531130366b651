//! A fuzzing client reads the served description and tries what it allows and what it forbids: no fault of ours, no answer
//! that the description does not know, nothing taken that it forbids.

use std::process::Command;

use serde_json::json;

use crate::share::{anyone, letter, link, terms};
use crate::support::app::TestApp;
use crate::support::regency::{Actor, Stack};
use crate::support::{server, tools};

const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,\
                      response_schema_conformance,negative_data_rejection,unsupported_method,allow_header_conformance";

/// Ends of the caller's own access, and a stream that never ends.
const LEFT_OUT: &[&str] = &[
    "/api/v1/sessions/current",
    "/api/v1/sessions/{session}",
    "/api/v1/offices/{office}/tokens/{token}",
    "/api/v1/events",
];

/// How the client writes the media type of tus, which it does not know.
const HOOKS: &str = r#"
import schemathesis

@schemathesis.serializer("application/offset+octet-stream")
def part(context, value):
    return value if isinstance(value, bytes) else str(value).encode()
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_fuzzing_client_finds_no_fault_as_a_clerk() {
    fuzz(Stack::Embedded, Some(Actor::Clerk), 6).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fuzzing_client_finds_no_fault_as_the_platforms_admin() {
    fuzz(Stack::Embedded, Some(Actor::PlatformAdmin), 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fuzzing_client_finds_no_fault_as_a_stranger() {
    fuzz(Stack::Networked, None, 2).await;
}

/// With `--full` alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_fuzzing_client_finds_no_fault_as_anybody_else() {
    let others = [Actor::Head, Actor::Archivist, Actor::Admin, Actor::AgencyHead, Actor::Provisioner, Actor::Auditor];
    for actor in others.into_iter().filter(|_| tools::is_full()) {
        fuzz(Stack::Networked, Some(actor), 2).await;
    }
}

/// Tries so many examples of each operation, ten times as many with `--full`.
async fn fuzz(stack: Stack, actor: Option<Actor>, examples: u32) {
    let settings = [("limits.api_requests_per_minute", "10000000"), ("upload.max_open", "100000")];
    let app = TestApp::with(stack, &settings).await;
    let config = real_things(&app).await;
    let (base, token) = (app.base.clone(), actor.map(|actor| app.account(actor).token));
    let examples = (examples * if tools::is_full() { 10 } else { 1 }).to_string();
    let run = move || run(&base, token.as_deref(), &config, &examples);
    let (is_fine, said) = tokio::task::spawn_blocking(run).await.expect("it runs");
    app.finish().await;
    assert!(is_fine, "{actor:?}: {said}");
}

/// Ids of what is there, so that not every call ends at a thing that does not exist.
async fn real_things(app: &TestApp) -> String {
    let clerk = app.actor(Actor::Clerk);
    let document = letter(&clerk, "biasa").await;
    let link = link(&clerk, &document, &terms(app, anyone(), "download", json!({}))).await;
    let office = clerk.office();
    let known = [
        ("^/api/v1/documents/.id./", "path.id", document.as_str()),
        ("^/api/v1/links/.id./opens", "path.id", link.id.as_str()),
        ("^/api/v1/shared/.id./", "path.id", link.public.as_str()),
        ("^/api/v1/offices/.office.", "path.office", office),
    ];
    let operations = known.map(|(path, name, value)| {
        format!("[[operations]]\ninclude-path-regex = {path:?}\nparameters = {{ {name:?} = {value:?} }}\n")
    });
    format!("[checks.negative_data_rejection]\nexpected-statuses = [\"4xx\"]\n{}", operations.concat())
}

/// Whether nothing was found, and what it said.
fn run(base: &str, token: Option<&str>, config: &str, examples: &str) -> (bool, String) {
    let dir = server::scratch("fuzzing");
    let file = dir.join("schemathesis.toml");
    let hooks = dir.join("hooks.py");
    std::fs::write(&hooks, HOOKS).expect("our folder is writable");
    std::fs::write(&file, format!("hooks = {hooks:?}\n{config}")).expect("our folder is writable");
    let mut command = Command::new(tools::python_program("schemathesis"));
    command.current_dir(&dir).arg("--config-file").arg(&file);
    command.args([
        "run",
        &format!("{base}/api/v1/openapi.json"),
        "--checks",
        CHECKS,
        "--phases",
        "examples,coverage,fuzzing",
    ]);
    command.args([
        "--max-examples",
        examples,
        "--seed",
        "17",
        "--no-shrink",
        "--continue-on-failure",
        // Two threads of it break Python 3.11's own parser now and then.
        "--workers",
        "1",
    ]);
    command.args(["--warnings", "off", "--request-timeout", "30", "--suppress-health-check", "all"]);
    if let Some(token) = token {
        command.arg("--header").arg(format!("Authorization: Bearer {token}"));
    }
    for path in LEFT_OUT {
        command.args(["--exclude-path", path]);
    }
    let output = command.output().expect("schemathesis runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    let _ = std::fs::remove_dir_all(&dir);
    (output.status.success(), said)
}
