"""A few patients of Synthea, with real-world numbers of results, where the public data lie beside the project."""

from __future__ import annotations

from functools import lru_cache

from tests.real_data.charts import Chart, is_present, read_charts

SET = "synthea-r4-100"
MOST_RESOURCES = 500  # loading takes time
PATIENTS = 3


@lru_cache(maxsize=1)
def public_charts() -> tuple[Chart, ...]:
    """The largest charts below MOST_RESOURCES; none where the data are not."""
    charts = [chart for chart in (read_charts(SET) if is_present(SET) else ()) if len(chart.resources) < MOST_RESOURCES]
    return tuple(sorted(charts, key=lambda chart: len(chart.resources), reverse=True)[:PATIENTS])
