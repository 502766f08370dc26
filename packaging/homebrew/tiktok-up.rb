# A template: put the release's URLs and its checksum in the place of what stands between at signs.
class TiktokUp < Formula
  desc "Publish to TikTok from a terminal, a server or a script"
  homepage "@HOMEPAGE@"
  url "@URL OF THE SOURCE TARBALL@"
  sha256 "@ITS SHA-256@"
  license any_of: ["MIT", "Apache-2.0"]

  depends_on "rust" => :build

  def install
    system "cargo", "install", *std_cargo_args
    generate_completions_from_executable(bin/"tiktok-up", "completions")
    man1.mkpath
    system bin/"tiktok-up", "man", "--dir", man1
  end

  # Keeps logins alive that are not used for months.
  service do
    run [opt_bin/"tiktok-up", "--quiet", "refresh"]
    run_type :cron
    cron "30 5 * * *"
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/tiktok-up --version")
    assert_match "published", shell_output("#{bin}/tiktok-up demo")
  end
end
