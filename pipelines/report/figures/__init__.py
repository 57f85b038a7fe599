"""Figures as HTML with stretched inline SVG: marks scale to any width, and every label stays real text.

No chart library: plotly's smallest shipped bundle is 4.8 MB, and a bundle with a Sankey diagram is never small.
"""
