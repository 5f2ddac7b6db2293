"""What can be said of traces: figures, timelines, pages, differences, and what another policy would have done."""
