-- Jobs with workers, to be counted where their kind has a limit.
CREATE INDEX job_leased ON job(kind, fairness_key) WHERE is_free = 0 AND state BETWEEN 2 AND 4;
