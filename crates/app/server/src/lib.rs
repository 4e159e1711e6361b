//! What clients reach: HTTP API, OCPP endpoint, live stream, web app, metrics.
