//! What the owner of an access token may post right now.
//!
//! ```console
//! TIKTOK_ACCESS_TOKEN=act.… cargo run --example creator_info
//! ```
#![expect(clippy::print_stdout, reason = "an example says what it found")]

use std::error::Error;

use tiktok_open::{Client, Secret};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let token = Secret::new(std::env::var("TIKTOK_ACCESS_TOKEN")?);
    let client = Client::builder().build()?;
    let creator = client.creator_info(&token).await?;
    println!("{} (@{})", creator.nickname, creator.username);
    println!("may post as: {}", creator.privacy_level_options.join(", "));
    if let Some(longest) = creator.max_video_duration {
        println!("videos of up to {} seconds", longest.as_secs());
    }
    Ok(())
}
