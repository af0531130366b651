//! Somebody before a browser: goes, fills, presses, looks; every page that is looked at must be free of faults.

use std::time::Duration;

use fantoccini::Locator;
use fantoccini::elements::Element;
use serde_json::Value;

use crate::support::browser::Browser;
use crate::support::regency::PASSWORD;

pub struct Clerk {
    browser: Browser,
    base: String,
    width: u32,
}

const PATIENCE: Duration = Duration::from_secs(60);

impl Clerk {
    pub async fn sits_down(base: &str, width: u32, height: u32) -> Clerk {
        Clerk { browser: Browser::open(width, height, "id").await, base: base.to_owned(), width }
    }

    pub async fn goes_to(&self, path: &str) {
        let url = if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.base) };
        self.browser.page.goto(&url).await.expect("the page opens");
    }

    /// Waits for something on the page.
    pub async fn sees(&self, css: &str) -> Element {
        let found = self.browser.page.wait().at_most(PATIENCE).for_element(Locator::Css(css)).await;
        match found {
            Ok(element) => element,
            Err(cause) => panic!("{css}: {cause} on {}\n{}", self.at().await, self.says("body").await),
        }
    }

    pub async fn says(&self, css: &str) -> String {
        let found = self.browser.page.find(Locator::Css(css)).await.expect("it is on the page");
        found.text().await.expect("text")
    }

    /// Waits until the page says something.
    pub async fn reads(&self, text: &str) {
        let xpath = format!("//*[contains(normalize-space(.), \"{text}\")]");
        let found = self.browser.page.wait().at_most(PATIENCE).for_element(Locator::XPath(&xpath)).await;
        if let Err(cause) = found {
            panic!("“{text}”: {cause} on {}\n{}", self.at().await, self.says("body").await);
        }
    }

    pub async fn misses(&self, css: &str) {
        let found = self.browser.page.find_all(Locator::Css(css)).await.expect("asked");
        assert!(found.is_empty(), "{css} is on {}", self.at().await);
    }

    pub async fn chooses(&self, css: &str, path: &std::path::Path) {
        self.sees(css).await.send_keys(&path.display().to_string()).await.expect("a file is chosen");
    }

    /// Replaces what stands in a field.
    pub async fn rewrites(&self, css: &str, text: &str) {
        let field = self.sees(css).await;
        field.clear().await.expect("it can be emptied");
        field.send_keys(text).await.expect("it can be typed into");
    }

    pub async fn goes_back(&self) {
        self.browser.page.back().await.expect("there is a way back");
    }

    pub async fn fills(&self, css: &str, text: &str) {
        self.sees(css).await.send_keys(text).await.expect("it can be typed into");
    }

    pub async fn presses(&self, css: &str) {
        let element = self.sees(css).await;
        // A phone's page is long: a finger scrolls to what it presses.
        let scroll = "arguments[0].scrollIntoView({ block: 'center', behavior: 'instant' })";
        let argument = serde_json::to_value(&element).expect("an element");
        self.browser.page.execute(scroll, vec![argument]).await.expect("it scrolls");
        element.click().await.expect("it can be pressed");
    }

    pub async fn at(&self) -> String {
        self.browser.page.current_url().await.expect("an address").to_string()
    }

    /// Waits for an address that holds this text.
    pub async fn arrives(&self, text: &str) {
        for _ in 0..600 {
            if self.at().await.contains(text) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("at {} instead of {text}\n{}", self.at().await, self.says("body").await);
    }

    pub async fn asks(&self, script: &str) -> Value {
        self.browser.page.execute(script, vec![]).await.expect("the script runs")
    }

    pub async fn logs_in(&self, login: &str) {
        self.goes_to("/masuk").await;
        self.fills("#login", login).await;
        self.fills("#password", PASSWORD).await;
        self.presses("main form button").await;
        self.sees("nav a[aria-current]").await;
    }

    pub async fn logs_out(&self) {
        self.presses("details.me summary").await;
        self.presses("form[action='/keluar'] button").await;
        self.sees("#login").await;
    }

    pub async fn searches(&self, words: &str) {
        self.goes_to("/").await;
        self.fills("#q", words).await;
        self.presses("form.find button").await;
        self.arrives("/cari").await;
        self.sees("p[role=status]").await;
    }

    /// The page is good: accessible, no wider than its window, silent on the console, light enough for a weak link.
    pub async fn finds_no_fault(&self) {
        let here = self.at().await;
        let faults = self.browser.accessibility_faults().await;
        assert!(faults.is_empty(), "{here} at {} px: {faults:#?}", self.width);
        let width = self.asks("return document.documentElement.scrollWidth").await;
        assert!(width.as_u64().is_some_and(|width| width <= u64::from(self.width)), "{here} is {width} px wide");
        let sizes = self.asks(TOUCHED).await;
        assert_eq!(sizes, Value::Array(Vec::new()), "{here}: too small to touch at {} px", self.width);
        self.hears_nothing().await;
    }

    /// The same in the dark, where the contrasts are others.
    pub async fn finds_no_fault_in_the_dark(&self) {
        self.browser.darkens(true).await;
        let faults = self.browser.accessibility_faults().await;
        self.browser.darkens(false).await;
        assert!(faults.is_empty(), "{} in the dark: {faults:#?}", self.at().await);
    }

    pub async fn loses_the_link(&self, lost: bool) {
        self.browser.cuts_the_network(lost).await;
    }

    pub async fn picture(&self) -> Vec<u8> {
        self.browser.picture().await
    }

    pub async fn hears_nothing(&self) {
        let console = self.browser.console().await;
        assert!(console.is_empty(), "{}: {console:#?}", self.at().await);
    }

    /// Forgets what the console said, where a refusal is what was wanted.
    pub async fn expects_a_refusal(&self) {
        let console = self.browser.console().await;
        let is_told = console.iter().all(|line| ["401", "404", "422"].iter().any(|status| line.contains(status)));
        assert!(is_told, "{console:#?}");
    }

    pub async fn goes_home(self) {
        self.browser.close().await;
    }
}

/// Buttons, fields and links of menus that are less than 44 px high; links within sentences are as high as their line.
const TOUCHED: &str = "return [...document.querySelectorAll('button, .button, nav a, select, input:not([type=hidden]):not([type=radio]):not([type=checkbox]), summary, .choice')] \
    .filter((one) => one.checkVisibility() && !one.closest('.unseen')) \
    .filter((one) => one.getBoundingClientRect().height < 43.5) \
    .map((one) => one.outerHTML.slice(0, 120))";
