//! Logs a user in: shows the address to open, takes the address that the browser ended at, and says
//! who it is. The redirect URI must be registered for the app, under Login Kit > Desktop.
//!
//! ```console
//! TIKTOK_CLIENT_KEY=… TIKTOK_CLIENT_SECRET=… cargo run --example login
//! ```
#![expect(clippy::print_stdout, reason = "an example talks to the user")]

use std::error::Error;

use tiktok_open::pkce::{Verifier, nonce};
use tiktok_open::{App, Authorize, Client, GrantKind, Scopes, callback};

const REDIRECT_URI: &str = "http://127.0.0.1:3455/callback/";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let key = std::env::var("TIKTOK_CLIENT_KEY")?;
    let app = App::new(key, std::env::var("TIKTOK_CLIENT_SECRET")?);
    let client = Client::builder().build()?;
    let scopes: Scopes = "user.info.basic".parse()?;

    let (verifier, state) = (Verifier::generate()?, nonce()?);
    let url = client.authorize_url(
        &app,
        &Authorize {
            scopes: &scopes,
            redirect_uri: REDIRECT_URI,
            state: &state,
            code_challenge: &verifier.challenge(),
        },
    );
    println!("Open this address:\n\n{url}\n");
    println!("Then paste the address of the page that the browser could not show:");
    let mut pasted = String::new();
    std::io::stdin().read_line(&mut pasted)?;

    let (_, query) = pasted.trim().split_once('?').ok_or("no query in it")?;
    let query = callback::Query::parse(query)?;
    let code = query.code_for(&state)?;
    let kind = GrantKind::Callback { redirect_uri: REDIRECT_URI, code_verifier: verifier.secret() };
    let grant = client.exchange_code(&app, &code, &kind).await?;
    let user = client.user_info(&grant.access_token).await?;
    println!("{} logged in, for {} seconds", user.display_name, grant.expires_in);
    Ok(())
}
