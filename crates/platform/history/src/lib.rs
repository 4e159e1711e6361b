//! Telemetry over time: a hot window, then sealed Parquet segments.
