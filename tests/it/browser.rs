//! A real browser, without a screen: Chromium, driven by its debugging protocol over two pipes
//! (<https://chromedevtools.github.io/devtools-protocol/>). Needs nothing but Chromium itself.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rustix::fs::{CWD, FileType, Mode, mknodat};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::stage::say;

/// What distributions call it.
const NAMES: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// What is drawn where a page shows a picture of nowhere.
const PICTURE: &str = "<svg xmlns='http://www.w3.org/2000/svg' width='540' height='675'>\
    <rect width='540' height='675' fill='#3b5b8c'/><circle cx='400' cy='170' r='70' fill='#ffd27d'/>\
    <path d='M0 675 170 330l150 200 90-110 130 255z' fill='#1f2f4d'/></svg>";

/// How long any one thing may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// A browser with one page open.
pub(crate) struct Browser {
    child: Child,
    commands: File,
    messages: Receiver<Value>,
    session: String,
    number: u64,
    events: Vec<Value>,
    _profile: TempDir,
}

impl Browser {
    /// Starts it; `None`, and a word about it, if there is none on this machine.
    pub(crate) fn start() -> Option<Self> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let found = NAMES
            .iter()
            .find(|name| std::env::split_paths(&path).any(|folder| folder.join(name).is_file()));
        let Some(program) = found else {
            say("skipped: Chromium is not installed");
            return None;
        };
        Some(Self::of(program))
    }

    fn of(program: &str) -> Self {
        let profile = TempDir::with_prefix("tiktok-up-browser-").unwrap();
        let pipe = |name: &str| {
            let path = profile.path().join(name);
            mknodat(CWD, &path, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
            path
        };
        let (to, from) = (pipe("to"), pipe("from"));
        let mut shell = Command::new("sh");
        // It reads commands from descriptor 3 and writes to 4.
        shell.args(["-c", r#"exec "$@" 3<"$0/to" 4>"$0/from""#]).arg(profile.path()).arg(program);
        shell.args([
            "--headless=new",
            "--remote-debugging-pipe",
            // Its own sandbox does not work for root, nor in many containers.
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--no-proxy-server",
            "--hide-scrollbars",
        ]);
        shell.arg(format!("--user-data-dir={}", profile.path().join("profile").display()));
        shell.env("HOME", profile.path()).stdin(Stdio::null());
        let child = shell.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // Each waits for the other end, in the order in which the shell opens them.
        let commands = File::options().write(true).open(to).unwrap();
        let messages = listen(File::open(from).unwrap());
        let mut browser = Self {
            child,
            commands,
            messages,
            session: String::new(),
            number: 0,
            events: Vec::new(),
            _profile: profile,
        };
        let target = browser.call("Target.createTarget", &json!({ "url": "about:blank" }));
        let target = json!({ "targetId": target["targetId"], "flatten": true });
        let attached = browser.call("Target.attachToTarget", &target);
        browser.session.push_str(attached["sessionId"].as_str().unwrap());
        for domain in ["Page", "Network", "Runtime", "Log"] {
            browser.call(&format!("{domain}.enable"), &json!({}));
        }
        browser
    }

    /// Calls a method of the protocol.
    #[track_caller]
    fn call(&mut self, method: &str, params: &Value) -> Value {
        self.try_call(method, params).unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    /// The same, of a page that may go away meanwhile.
    fn try_call(&mut self, method: &str, params: &Value) -> Result<Value, Value> {
        let number = self.send(method, params);
        loop {
            let answer = self.message().unwrap_or_else(|| panic!("{method} is not answered"));
            if answer["id"] == number {
                let error = &answer["error"];
                return if error.is_null() {
                    Ok(answer["result"].clone())
                } else {
                    Err(error.clone())
                };
            }
            self.events.push(answer);
        }
    }

    /// The next message. What a page asks for where nobody is, is answered on the way (see [`Browser::draw`]).
    fn message(&mut self) -> Option<Value> {
        loop {
            let message = self.messages.recv_timeout(PATIENCE).ok()?;
            if message["method"] != "Fetch.requestPaused" {
                return Some(message);
            }
            let picture = json!({ "requestId": message["params"]["requestId"], "responseCode": 200,
                "responseHeaders": [{ "name": "Content-Type", "value": "image/svg+xml" }],
                "body": BASE64_STANDARD.encode(PICTURE) });
            self.send("Fetch.fulfillRequest", &picture);
        }
    }

    /// Sends a command; its number.
    fn send(&mut self, method: &str, params: &Value) -> u64 {
        self.number += 1;
        let mut message = json!({ "id": self.number, "method": method, "params": params });
        if !self.session.is_empty() {
            message["sessionId"] = json!(self.session);
        }
        self.commands.write_all(format!("{message}\0").as_bytes()).unwrap();
        self.number
    }

    /// Opens an address and waits until the page is there.
    #[track_caller]
    pub(crate) fn open(&mut self, url: &str) {
        let opened = self.call("Page.navigate", &json!({ "url": url }));
        assert!(opened["errorText"].is_null(), "{opened}");
        // The page before may load itself again meanwhile: what is waited for is the load of this one.
        while !self.has_loaded(&opened["loaderId"]) {
            let event = self.message().unwrap();
            self.events.push(event);
        }
    }

    fn has_loaded(&self, loader: &Value) -> bool {
        let mut events = self.events.iter();
        let is_there = |event: &Value| {
            event["method"] == "Page.frameNavigated"
                && event["params"]["frame"]["loaderId"] == *loader
        };
        events.any(is_there) && events.any(|event| event["method"] == "Page.loadEventFired")
    }

    /// What an expression is worth on the page.
    #[track_caller]
    pub(crate) fn value(&mut self, expression: &str) -> Value {
        let asked = json!({ "expression": expression, "returnByValue": true });
        let answer = self.call("Runtime.evaluate", &asked);
        assert!(answer["exceptionDetails"].is_null(), "{expression}: {answer}");
        answer["result"]["value"].clone()
    }

    /// The same of a page that may go away meanwhile; nothing then.
    pub(crate) fn glance(&mut self, expression: &str) -> Value {
        let asked = json!({ "expression": expression, "returnByValue": true });
        let answer = self.try_call("Runtime.evaluate", &asked).unwrap_or_default();
        answer["result"]["value"].clone()
    }

    /// What the promise of an expression comes to.
    #[track_caller]
    pub(crate) fn awaited(&mut self, expression: &str) -> Value {
        let asked =
            json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let answer = self.call("Runtime.evaluate", &asked);
        assert!(answer["exceptionDetails"].is_null(), "{answer}");
        answer["result"]["value"].clone()
    }

    /// Draws a picture for whatever pages ask of this host, which is nowhere.
    #[track_caller]
    pub(crate) fn draw(&mut self, host: &str) {
        let patterns = json!({ "patterns": [{ "urlPattern": format!("https://{host}/*") }] });
        self.call("Fetch.enable", &patterns);
    }

    /// Shows pages as somebody has set the machine to: `light` or `dark`, with or without movement.
    #[track_caller]
    pub(crate) fn prefers(&mut self, scheme: &str, is_still: bool) {
        let motion = if is_still { "reduce" } else { "no-preference" };
        let media = json!({ "features": [
            { "name": "prefers-color-scheme", "value": scheme },
            { "name": "prefers-reduced-motion", "value": motion } ] });
        self.call("Emulation.setEmulatedMedia", &media);
    }

    /// Gives the window a size in CSS pixels, of which each is `scale` pixels of the screen wide: 2 is what a zoom of
    /// 200 % makes of a window that is twice as wide.
    #[track_caller]
    pub(crate) fn window(&mut self, width: u32, height: u32, scale: u32) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": scale,
            "mobile": false });
        self.call("Emulation.setDeviceMetricsOverride", &size);
    }

    /// A picture (PNG) of a part of the page, in CSS pixels: `x`, `y`, `width` and `height`.
    #[track_caller]
    pub(crate) fn picture_of(&mut self, part: &Value) -> Vec<u8> {
        let mut clip = part.clone();
        clip["scale"] = json!(1);
        let asked = json!({ "format": "png", "clip": clip, "captureBeyondViewport": true });
        let picture = self.call("Page.captureScreenshot", &asked);
        BASE64_STANDARD.decode(picture["data"].as_str().unwrap()).unwrap()
    }

    /// Clicks the one thing that a selector finds, with the mouse, where it is.
    #[track_caller]
    pub(crate) fn click(&mut self, selector: &str) {
        let place = format!(
            "(() => {{ const found = document.querySelectorAll({}); \
             if (found.length != 1) return null; found[0].scrollIntoView({{ block: 'center' }}); \
             const box = found[0].getBoundingClientRect(); \
             return [box.x + box.width / 2, box.y + box.height / 2]; }})()",
            json!(selector)
        );
        let place = self.value(&place);
        assert!(place.is_array(), "not one {selector}");
        for kind in ["mousePressed", "mouseReleased"] {
            let event = json!({ "type": kind, "x": place[0], "y": place[1], "button": "left",
                "clickCount": 1 });
            self.call("Input.dispatchMouseEvent", &event);
        }
    }

    /// Lets pages run their scripts, or not.
    pub(crate) fn scripts(&mut self, on: bool) {
        self.call("Emulation.setScriptExecutionDisabled", &json!({ "value": !on }));
    }

    /// Chooses a file in the field that a selector finds.
    #[track_caller]
    pub(crate) fn choose_file(&mut self, selector: &str, path: &Path) {
        let document = self.call("DOM.getDocument", &json!({}));
        let root = &document["root"]["nodeId"];
        let found =
            self.call("DOM.querySelector", &json!({ "nodeId": root, "selector": selector }));
        let files = json!({ "files": [path], "nodeId": found["nodeId"] });
        self.call("DOM.setFileInputFiles", &files);
    }

    /// Presses Enter, wherever the page has its focus.
    pub(crate) fn enter(&mut self) {
        for kind in ["keyDown", "keyUp"] {
            let event = json!({ "type": kind, "key": "Enter", "code": "Enter", "text": "\r",
                "windowsVirtualKeyCode": 13 });
            // The page may go away by it, and with it the answer to this.
            _ = self.try_call("Input.dispatchKeyEvent", &event);
        }
    }

    /// Presses a key that writes nothing, such as Tab, wherever the page has its focus.
    #[track_caller]
    pub(crate) fn press(&mut self, key: &str, number: u32) {
        for kind in ["rawKeyDown", "keyUp"] {
            let event =
                json!({ "type": kind, "key": key, "code": key, "windowsVirtualKeyCode": number });
            self.call("Input.dispatchKeyEvent", &event);
        }
    }

    /// Writes a text, wherever the page has its focus.
    #[track_caller]
    pub(crate) fn write(&mut self, text: &str) {
        self.call("Input.insertText", &json!({ "text": text }));
    }

    /// Gives the window a width in CSS pixels, as a phone has it.
    #[track_caller]
    pub(crate) fn narrow(&mut self, width: u32) {
        let size = json!({ "width": width, "height": 780, "deviceScaleFactor": 1, "mobile": true });
        self.call("Emulation.setDeviceMetricsOverride", &size);
    }

    /// Waits until the address bar ends like this; gives the whole page's text.
    #[track_caller]
    pub(crate) fn arrives_at(&mut self, end: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let asked = json!({ "expression": "[location.href, document.readyState]",
                "returnByValue": true });
            let at = self.try_call("Runtime.evaluate", &asked).unwrap_or_default();
            let at = &at["result"]["value"];
            if at[0].as_str().is_some_and(|at| at.ends_with(end)) && at[1] == "complete" {
                return self.value("document.body.innerText").as_str().unwrap().to_owned();
            }
            if Instant::now() > deadline {
                let page = self.value("document.body.innerText");
                panic!("{} instead of {end}: {page}; {:#?}", at[0], self.complaints());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Everything that the page has asked the network for.
    pub(crate) fn requested(&self) -> Vec<String> {
        let requests =
            self.events.iter().filter(|event| event["method"] == "Network.requestWillBeSent");
        let url = |event: &Value| event["params"]["request"]["url"].as_str().unwrap().to_owned();
        requests.map(url).collect()
    }

    /// What the browser complained about: scripts that were blocked, resources that were missing.
    pub(crate) fn complaints(&self) -> Vec<&Value> {
        let logged = ["Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled"];
        let method = |event: &&Value| logged.iter().any(|name| event["method"] == *name);
        // A person was quicker than the page: no complaint.
        let is_focus = |event: &&Value| {
            let text = event["params"]["entry"]["text"].as_str().unwrap_or_default();
            text.starts_with("Autofocus processing was blocked")
        };
        self.events.iter().filter(method).filter(|event| !is_focus(event)).collect()
    }

    /// Pictures of the whole page as it is, light and dark, on a desktop and on a phone, if
    /// `TIKTOK_UP_SCREENSHOTS` names a folder for them.
    pub(crate) fn picture(&mut self, name: &str) {
        let Some(folder) = std::env::var_os("TIKTOK_UP_SCREENSHOTS") else { return };
        fs::create_dir_all(&folder).unwrap();
        for (device, width, height) in [("desktop", 1280, 800), ("phone", 390, 780)] {
            for scheme in ["light", "dark"] {
                self.window(width, height, 1);
                self.prefers(scheme, true);
                let metrics = self.call("Page.getLayoutMetrics", &json!({}));
                let picture = self.picture_of(&metrics["cssContentSize"]);
                let file = format!("{name}-{device}-{scheme}.png");
                fs::write(Path::new(&folder).join(file), picture).unwrap();
            }
        }
        self.call("Emulation.clearDeviceMetricsOverride", &json!({}));
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Killed at once it would leave its helpers writing into the profile.
        let bye = json!({ "id": 0, "method": "Browser.close" });
        _ = self.commands.write_all(format!("{bye}\0").as_bytes());
        let deadline = Instant::now() + Duration::from_secs(5);
        while self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            if Instant::now() > deadline {
                _ = self.child.kill();
                _ = self.child.wait();
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// Messages end with a NUL.
fn listen(from: File) -> Receiver<Value> {
    let (tell, messages) = channel();
    std::thread::spawn(move || {
        for message in BufReader::new(from).split(0) {
            let Ok(message) = message else { return };
            let Ok(message) = serde_json::from_slice(&message) else { return };
            if tell.send(message).is_err() {
                return;
            }
        }
    });
    messages
}
