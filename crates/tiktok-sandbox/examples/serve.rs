//! An offline TikTok until Ctrl-C: `cargo run -p tiktok-sandbox --example serve [PORT]`.

use std::error::Error;
use std::io::{Write, stdout};

use tiktok_sandbox::{Account, Sandbox};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let port = std::env::args().nth(1).map_or(Ok(0), |port| port.parse())?;
    let sandbox = Sandbox::builder()
        .port(port)
        .account(Account::new("mia", "Mia"))
        .account(Account { private: true, ..Account::new("leo", "Leo") })
        .start()?;

    let mut out = stdout();
    writeln!(out, "base of the API  {}", sandbox.url())?;
    writeln!(out, "client_key       {}", sandbox.client_key())?;
    writeln!(out, "client_secret    {}", sandbox.client_secret().expose())?;
    writeln!(out, "page             {}", sandbox.page())?;

    tokio::signal::ctrl_c().await?;
    for call in sandbox.requests() {
        let status = call.status.map_or_else(|| "no answer".to_owned(), |code| code.to_string());
        writeln!(out, "{} {}: {status}", call.method, call.path)?;
    }
    sandbox.shutdown().await;
    Ok(())
}
