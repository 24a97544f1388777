"""Language models: requests, back ends, the ledger, limits, prices, batch jobs, and the offline simulator."""
