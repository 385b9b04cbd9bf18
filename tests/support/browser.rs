//! A page, in a real headless Chromium.

use serde_json::Value;

use super::eventually::eventually;
use super::process::Process;
use super::tools;

/// A browser with one page open.
#[derive(Debug)]
pub(crate) struct Browser {
    process: Process,
}

/// What the page shows at one moment.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sight {
    pub(crate) text: String,
    /// Value of the progress bar, if there is one.
    pub(crate) bar: Option<f64>,
}

impl Browser {
    pub(crate) async fn open(address: &str) -> Browser {
        let process = Process::spawn("chromium", tools::node("page.mjs").arg(address));
        let mut browser = Browser { process };
        eventually("the page is open", async || {
            assert!(browser.process.is_running(), "the browser has ended");
            browser.told().iter().any(|told| told.get("opened").is_some()).then_some(())
        })
        .await;
        browser
    }

    /// Everything that the page has shown, in order.
    pub(crate) fn sights(&self) -> Vec<Sight> {
        let told = self.told().into_iter();
        told.filter_map(|told| {
            let text = told.get("text")?.as_str()?.to_owned();
            Some(Sight { text, bar: told["bar"].as_f64() })
        })
        .collect()
    }

    /// Errors of the page's own.
    pub(crate) fn faults(&self) -> Vec<String> {
        let told = self.told().into_iter();
        told.filter_map(|told| Some(told.get("fault")?.to_string())).collect()
    }

    /// Waits until the page shows what is wanted.
    pub(crate) async fn shows(&self, what: &str, wanted: impl Fn(&Sight) -> bool) -> Sight {
        eventually(what, async || self.sights().into_iter().find(&wanted)).await
    }

    fn told(&self) -> Vec<Value> {
        let lines = self.process.stdout_lines();
        lines.iter().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
    }
}
