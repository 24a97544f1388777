"""Language models: requests, back ends, the ledger, limits, prices, batch jobs, and the offline simulator."""

import kame_data.llm.providers  # noqa: F401 - which lists them
