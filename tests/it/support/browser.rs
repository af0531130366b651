//! A real headless Chromium, driven through its WebDriver. Sessions end when they are dropped with [`Browser::close`], or
//! with the driver when the test process ends.

use std::process::Command;
use std::sync::LazyLock;

use fantoccini::wd::Capabilities;
use fantoccini::{Client, ClientBuilder};
use serde_json::json;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::server::{Server, free_port, throw_away};
use super::tools;

#[derive(Debug)]
struct Driver {
    port: u16,
    server: Server,
}

static DRIVER: LazyLock<Driver> = LazyLock::new(|| {
    let dir = throw_away("browser");
    let port = free_port();
    let mut serve = Command::new(tools::program("chromedriver"));
    serve.arg(format!("--port={port}")).env("TMPDIR", &dir).env("HOME", &dir);
    let mut server = Server::start("chromedriver", dir, "TERM", &serve);
    server.wait_for_port(port);
    Driver { port, server }
});

/// Two browsers at once are what a small machine bears.
static SEATS: Semaphore = Semaphore::const_new(2);

#[derive(Debug)]
pub struct Browser {
    pub page: Client,
    _seat: SemaphorePermit<'static>,
}

impl Browser {
    /// A fresh profile with a window of this size. `language` is what it asks for, such as `id` or `en`.
    pub async fn open(width: u32, height: u32, language: &str) -> Browser {
        let seat = SEATS.acquire().await.expect("never closed");
        let driver = tokio::task::spawn_blocking(|| &*DRIVER).await.expect("the driver starts");
        let mut args = vec![
            "--headless=new".to_owned(),
            format!("--window-size={width},{height}"),
            format!("--lang={language}"),
            // Root has no sandbox of its own in a container, and its shared memory is small there.
            "--no-sandbox".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            "--disable-gpu".to_owned(),
            "--disable-background-networking".to_owned(),
        ];
        if width < 500 {
            // Chromium's window is never narrower than 500 px: a phone is emulated.
            args.push("--hide-scrollbars".to_owned());
        }
        let mut options = json!({
            "binary": tools::program("chromium"),
            "args": args,
            "prefs": { "intl.accept_languages": language, "download.default_directory": driver.server.dir() },
        });
        if width < 500 {
            options["mobileEmulation"] = json!({
                "deviceMetrics": { "width": width, "height": height, "pixelRatio": 2.0, "touch": true, "mobile": true },
            });
        }
        let mut wanted = Capabilities::new();
        wanted.insert("goog:chromeOptions".to_owned(), options);
        wanted.insert("goog:loggingPrefs".to_owned(), json!({ "browser": "ALL" }));
        let page = ClientBuilder::new(hyper_util::client::legacy::connect::HttpConnector::new())
            .capabilities(wanted)
            .connect(&format!("http://127.0.0.1:{}", driver.port))
            .await
            .unwrap_or_else(|cause| panic!("no browser: {cause}\n{}", driver.server.output()));
        Browser { page, _seat: seat }
    }

    /// A picture of what is seen, to look at when a test of a page fails.
    pub async fn picture(&self) -> Vec<u8> {
        self.page.screenshot().await.expect("a picture of the page")
    }

    /// What axe finds wrong with the page's accessibility, as `rule: what (where)` lines.
    pub async fn accessibility_faults(&self) -> Vec<String> {
        let script =
            std::fs::read_to_string(tools::python_file("axe_playwright_python/axe.min.js")).expect("axe is text");
        self.page.execute(&script, vec![]).await.expect("axe loads");
        let run = "const done = arguments[arguments.length - 1]; \
                   axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] }).then(done)";
        let found = self.page.execute_async(run, vec![]).await.expect("axe runs");
        let mut faults = Vec::new();
        for rule in found["violations"].as_array().into_iter().flatten() {
            for node in rule["nodes"].as_array().into_iter().flatten() {
                let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
                faults.push(format!("{}: {} ({})", text(&rule["id"]), text(&rule["help"]), node["target"]));
            }
        }
        faults
    }

    /// Whether the page is shown as to somebody who likes it dark.
    pub async fn darkens(&self, dark: bool) {
        let value = if dark { "dark" } else { "light" };
        let features = json!([{ "name": "prefers-color-scheme", "value": value }]);
        let params = json!({ "cmd": "Emulation.setEmulatedMedia", "params": { "features": features } });
        self.drive("goog/cdp/execute", params).await;
    }

    /// Whether nothing that the page asks for arrives.
    pub async fn cuts_the_network(&self, cut: bool) {
        let speed = 10_000_000;
        let conditions =
            json!({ "offline": cut, "latency": 0, "download_throughput": speed, "upload_throughput": speed });
        self.drive("chromium/network_conditions", json!({ "network_conditions": conditions })).await;
    }

    /// A command of Chromium's own driver.
    async fn drive(&self, command: &str, params: serde_json::Value) -> serde_json::Value {
        let session = self.page.session_id().await.expect("asked").expect("a session");
        let url = format!("http://127.0.0.1:{}/session/{session}/{command}", DRIVER.port);
        let asked = reqwest::Client::new().post(url).json(&params).send().await.expect("the driver answers");
        asked.json().await.expect("what the driver says")
    }

    /// What the console complained about since the last look: errors of scripts and reports of the content policy among it.
    pub async fn console(&self) -> Vec<String> {
        let told = self.drive("se/log", json!({ "type": "browser" })).await;
        let lines = told["value"].as_array().cloned().unwrap_or_default();
        // That storage was cleared at logout, as it was told to, is no complaint.
        let complaints = lines.iter().filter(|line| line["level"] != "INFO");
        complaints.map(|line| format!("{} {}", line["level"], line["message"])).collect()
    }

    pub async fn close(self) {
        self.page.close().await.expect("the browser closes");
    }
}
