//! OCPP-J 1.6, 2.0.1 and 2.1: typed messages and a session without I/O.
