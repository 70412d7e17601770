"""A bar chart of a report, as hand-written SVG: CPU time per request, a bar a contestant, readable light and dark."""

from xml.sax.saxutils import escape

from benchmarks.report import Report

WIDTH = 720
LABEL = 130  # room for the names
NUMBERS = 150  # room for the figures
BAR = 26
GAP = 12
TOP = 64
BOTTOM = 34

_STYLE = """
text { font: 14px system-ui, sans-serif; fill: #1f2328 }
.title { font-size: 16px; font-weight: 600 }
.small { font-size: 12px; fill: #59636e }
.bar { fill: #8c959f }
.own { fill: #1a7f5a }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .small { fill: #9198a1 }
  .bar { fill: #6e7681 }
  .own { fill: #3fb68b }
}"""


def chart(found: Report) -> str:
    """The SVG text."""
    longest = max((summary.cpu_us for summary in found.summaries), default=1.0)
    height = TOP + len(found.summaries) * (BAR + GAP) + BOTTOM
    caption = f"CPU time of the worker per request (and its ratio to {found.reference}), lower is better"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}">',
        f"<title>{escape(found.title)}</title>",
        f"<style>{_STYLE}</style>",
        f'<text class="title" x="16" y="26">{escape(found.title)}</text>',
        f'<text class="small" x="16" y="46">{escape(caption)}</text>',
    ]
    for number, summary in enumerate(found.summaries):
        top = TOP + number * (BAR + GAP)
        length = max(summary.cpu_us / longest * (WIDTH - LABEL - NUMBERS), 1)
        kind = "bar own" if summary.name.startswith(("gateline", "10,000")) else "bar"
        ratio = f" · {summary.ratio:.2f}" if summary.ratio is not None else ""
        middle = top + BAR - 8
        parts += [
            f'<text x="{LABEL - 10}" y="{middle}" text-anchor="end">{escape(summary.name)}</text>',
            f'<rect class="{kind}" x="{LABEL}" y="{top}" width="{length:.1f}" height="{BAR}" rx="3"/>',
            f'<text x="{LABEL + length + 8:.1f}" y="{middle}">{summary.cpu_us:.1f} µs{escape(ratio)}</text>',
        ]
    foot = f"{found.machine['cpu']}, one core each, {found.day}, median of {found.pace['rounds']} rounds"
    parts += [f'<text class="small" x="16" y="{height - 12}">{escape(foot)}</text>', "</svg>"]
    return "\n".join(parts) + "\n"
