# The recipes of this project; `just` alone lists them.

_list:
    @just --list --unsorted

# A login, an upload and a published post, offline
demo:
    cargo run -- demo

# Everything that CI checks
ci:
    .ci/run

# Format the code
fmt:
    cargo fmt --all

# Lints, as strict as CI
lint:
    cargo clippy --workspace --all-targets -- -D warnings

# All tests, or those whose name contains FILTER
test FILTER="":
    cargo test {{ FILTER }}

# Tests with the points at which operations can be made to fail
test-faults FILTER="":
    cargo test --features faults {{ FILTER }}

# Eight processes refresh at once, a hundred times; then with two accounts
refresh-storm:
    cargo test --test it t15_a_hundred_storms -- --ignored

# A thousand refreshes by cron under strict rotation, of a login of each way
cron-year:
    TIKTOK_UP_REFRESHES=1000 cargo test --test it a_login_of_any_way -- --nocapture

# Pictures of every page, light and dark (needs Chromium)
screenshots DIR="target/screenshots":
    TIKTOK_UP_SCREENSHOTS="$PWD/{{ DIR }}" cargo test --test it -- chromium:: console_look::

# The pictures of docs/audit.md, made anew (needs Chromium)
audit-pictures:
    cargo test --test it pictures_for_the_audit -- --ignored

# The documentation of the code, in the browser
docs:
    cargo doc --workspace --no-deps --open

# Licences, advisories and bans (needs cargo-deny)
deny:
    cargo deny check

# What the journal costs on the disk at hand: a commit, a look, a listing
journal-costs:
    cargo test --lib journal_costs -- --ignored --nocapture

# The journal of this version as a fixture for the next one's migration (needs sqlite3)
journal-fixture:
    cargo test --lib write_the_fixture_of_this_version -- --ignored

# Make the test videos again (needs ffmpeg)
fixtures:
    sh crates/video-probe/fixtures/make.sh

# The binary to hand out
release:
    cargo build --release --locked

# What is handed out, for this machine or for TARGETS: docs/PACKAGING.md
dist *TARGETS:
    packaging/dist.sh {{ TARGETS }}

# The crates in the binary, as CycloneDX (needs cargo-cyclonedx)
sbom:
    cargo cyclonedx --manifest-path Cargo.toml --format json --describe binaries

# One upload of 4 GB: its bytes, and the most memory that it took
big:
    TIKTOK_UP_BIG=4294967296 cargo test --release --test it memory_stays_flat -- --nocapture

# Every operation of every kind of post, of a login and a refresh, broken and killed: docs/PROOF.md
sweep:
    TIKTOK_UP_SWEEP_STEP=1 cargo test --features faults --test it sweep:: -- --nocapture

# The connection to a database cut at every message of an upload and a refresh (needs PostgreSQL): docs/PROOF.md
cuts:
    TIKTOK_UP_SWEEP_STEP=1 cargo test --features postgres --test it fleet::cuts -- --nocapture

# A thousand rounds of SIGKILL at random moments
kill-rounds:
    TIKTOK_UP_ROUNDS=1000 cargo test --test it kill_rounds:: -- --nocapture

# Eight processes at once, a hundred times: uploads, refreshes, refreshes of two accounts
storms:
    TIKTOK_UP_STORMS=100 cargo test --test it storms:: -- --nocapture

# Eight machines and twenty accounts on one PostgreSQL for MINUTES of everything that may fail, and two network
# namespaces (as root): docs/PROOF.md
fleet MINUTES="30":
    TIKTOK_UP_FLEET_MINUTES={{ MINUTES }} cargo test --features postgres --test it fleet:: -- --include-ignored --nocapture --test-threads 1

# The model of two workers at one post with larger bounds: all states that are wrong without one of the rules
fleet-model:
    cargo test --release --test it fleet_model:: -- --include-ignored --nocapture --test-threads 1

# System calls of the release binary failed and killed one by one, for an hour: docs/PROOF.md
outside-sweep STEP="1":
    TIKTOK_UP_OUTSIDE_STEP={{ STEP }} cargo test --release --test it outside:: -- --ignored --nocapture

# One upload of 1 GiB over TLS beside curl, alternating: docs/PERFORMANCE.md
bench *ARGS:
    cargo build --release
    cargo run --release -p tiktok-up-bench -- upload {{ ARGS }}

# The same over emulated links (Linux, as root): docs/PERFORMANCE.md
bench-links *ARGS:
    cargo build --release
    cargo run --release -p tiktok-up-bench -- links {{ ARGS }}

# 100 accounts with 20 posts each in one run, against the sandbox (half an hour: TikTok takes six a minute)
bench-many *ARGS:
    cargo build --release
    cargo run --release -p tiktok-up-bench -- many {{ ARGS }}

# How fast the sandbox takes a video
bench-sandbox *ARGS:
    cargo build --release
    cargo run --release -p tiktok-up-bench -- sandbox {{ ARGS }}

# What commands cost by the number of accounts and posts, and the plots of docs/PERFORMANCE.md
bench-scale *ARGS:
    cargo build --release
    cargo run --release -p tiktok-up-bench -- scale --plots docs/plots {{ ARGS }}

# The picture of a demo in the README, drawn from what the demo prints
demo-picture:
    cargo build --release
    packaging/demo-svg.sh
