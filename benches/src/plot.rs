//! A plot with two logarithmic axes, as SVG.

use std::fmt::Write as _;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 420.0;
/// Left, top, right and bottom of what is drawn in.
const FRAME: (f64, f64, f64, f64) = (70.0, 20.0, 510.0, 370.0);
/// Colours that people who confuse some tell apart, each legible on white and on black: after Okabe and Ito,
/// <https://jfly.uni-koeln.de/color/>.
const COLOURS: [&str; 8] =
    ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#888888", "#b22222"];
/// As the reader's own pages are.
const STYLE: &str = "<style>\n\
    .back { fill: #fff } text { fill: #222 } .grid { stroke: #ddd }\n\
    @media (prefers-color-scheme: dark) {\n\
    .back { fill: #0d1117 } text { fill: #ddd } .grid { stroke: #333 }\n\
    }\n\
    </style>\n";

/// Draws lines: seconds by a number of something.
pub(crate) fn svg(of: &str, lines: &[(&str, Vec<(f64, f64)>)]) -> String {
    let all = || lines.iter().flat_map(|(_, points)| points);
    let range = |values: Vec<f64>| {
        let least = values.iter().copied().fold(f64::INFINITY, f64::min).log10().floor();
        let most = values.iter().copied().fold(0.0, f64::max).log10().ceil();
        (least, most.max(least + 1.0))
    };
    let (x, y) = (range(all().map(|at| at.0).collect()), range(all().map(|at| at.1).collect()));
    let (left, top, right, bottom) = FRAME;
    let across = |value: f64| left + (value.log10() - x.0) / (x.1 - x.0) * (right - left);
    let up = |value: f64| bottom - (value.log10() - y.0) / (y.1 - y.0) * (bottom - top);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n\
         {STYLE}<rect class=\"back\" width=\"100%\" height=\"100%\"/>\n"
    );
    let line = |x1: f64, y1: f64, x2: f64, y2: f64| {
        format!(
            "<line class=\"grid\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"/>\n"
        )
    };
    let powers = |(from, to): (f64, f64)| {
        std::iter::successors(Some(from), |power| Some(power + 1.0))
            .take_while(move |power| *power <= to)
    };
    let mut grid = String::new();
    for power in powers(x) {
        let at = across(10_f64.powf(power));
        grid += &line(at, top, at, bottom);
        grid += &text(at, bottom + 18.0, "middle", &plain(10_f64.powf(power)));
    }
    for power in powers(y) {
        let at = up(10_f64.powf(power));
        grid += &line(left, at, right, at);
        grid += &text(left - 8.0, at + 4.0, "end", &seconds(10_f64.powf(power)));
    }
    out += &grid;
    out += &text(
        f64::midpoint(left, right),
        bottom + 40.0,
        "middle",
        &format!("{of}; wall time, both axes logarithmic"),
    );
    for ((name, points), (colour, place)) in lines.iter().zip(COLOURS.iter().zip(1_u8..)) {
        let path: Vec<_> =
            points.iter().map(|at| format!("{:.1},{:.1}", across(at.0), up(at.1))).collect();
        let path = path.join(" ");
        _ = writeln!(
            out,
            "<polyline points=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>"
        );
        for point in points {
            _ = writeln!(
                out,
                "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"3\" fill=\"{colour}\"/>",
                across(point.0),
                up(point.1)
            );
        }
        let at = top + 20.0 * f64::from(place);
        _ = writeln!(
            out,
            "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"12\" height=\"3\" fill=\"{colour}\"/>",
            right + 15.0,
            at - 5.0
        );
        out += &text(right + 33.0, at, "start", name);
    }
    out + "</svg>\n"
}

fn text(x: f64, y: f64, anchor: &str, words: &str) -> String {
    format!("<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{words}</text>\n")
}

fn plain(number: f64) -> String {
    match number {
        _ if number >= 1e6 => format!("{},000,000", number / 1e6),
        _ if number >= 1e3 => format!("{},000", number / 1e3),
        _ => number.to_string(),
    }
}

fn seconds(number: f64) -> String {
    if number < 0.999 { format!("{} ms", (number * 1e3).round()) } else { format!("{number:.0} s") }
}
