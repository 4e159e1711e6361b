//! Virtual stations and vehicles that speak real OCPP, and replay of recorded sessions.
