#!/bin/sh
# Draws what `tiktok-up demo` prints as docs/demo.svg, the picture of the README. Lines that are too long are cut; ports,
# ids and times are those of the run.
set -eu
cd "$(dirname "$0")/.."
program=${1:-target/release/tiktok-up}
"$program" --color always --no-progress demo 2>&1 | awk '
function plain(text) { gsub(/&/, "\\&amp;", text); gsub(/</, "\\&lt;", text); gsub(/>/, "\\&gt;", text); return text }
# A line in pieces of one style each.
function drawn(line,    out, class, left, at, code, room, piece) {
    out = ""; class = ""; left = line; room = 96
    while (left != "") {
        at = match(left, /\033\[[0-9;]*m/)
        piece = at ? substr(left, 1, at - 1) : left
        if (length(piece) > room) piece = substr(piece, 1, room - 1) "…"
        room -= length(piece); if (room < 0) room = 0
        if (piece != "") out = out (class == "" ? plain(piece) : "<tspan class=\"" class "\">" plain(piece) "</tspan>")
        if (!at) break
        code = substr(left, at + 2, RLENGTH - 3); left = substr(left, at + RLENGTH)
        if (code == "0" || code == "") class = ""
        else class = class (class == "" ? "" : " ") "s" code
        if (room == 0) left = ""
    }
    return out
}
{ lines[NR] = drawn($0) }
END {
    height = NR * 18 + 24
    print "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 800 " height "\" role=\"img\" aria-label=\"What tiktok-up demo prints\">"
    print "<style>.back{fill:#0d1117}text{fill:#d0d7de;font:13px ui-monospace,Menlo,Consolas,monospace;white-space:pre}" \
          ".s1{font-weight:700}.s2{fill:#8b949e}.s32{fill:#3fb950}.s33{fill:#d29922}.s36{fill:#39c5cf}</style>"
    print "<rect class=\"back\" width=\"100%\" height=\"100%\" rx=\"8\"/>"
    for (n = 1; n <= NR; n++) if (lines[n] != "") print "<text x=\"14\" y=\"" n * 18 + 8 "\" xml:space=\"preserve\">" lines[n] "</text>"
    print "</svg>"
}' > docs/demo.svg
