//! Codes that stand for texts, both ways.

macro_rules! codes {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $code:literal, $text:literal;)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum $name {
            $($(#[$vdoc])* $variant = $code,)+
        }

        impl $name {
            /// Every code in the order of the contract, with its text.
            pub const TABLE: &'static [(u8, &'static str)] = &[$(($code, $text)),+];

            /// The byte that stands for it on the wire.
            #[must_use]
            pub const fn code(self) -> u8 {
                self as u8
            }

            /// The text that it stands for.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }

            /// The code for `text`; `None` when the text is not in the table.
            #[must_use]
            pub fn from_text(text: &str) -> Option<Self> {
                match text {
                    $($text => Some(Self::$variant),)+
                    _ => None,
                }
            }

            /// The code behind a byte; `None` when the byte is not in the table.
            #[must_use]
            pub const fn from_code(code: u8) -> Option<Self> {
                match code {
                    $($code => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }
    };
}

codes! {
    /// How a charging station fares.
    StationStatus {
        /// It has no connection to us.
        Offline = 0, "Offline";
        /// Every working connector is free.
        Available = 1, "Available";
        /// A connector is taken, none delivers power.
        Occupied = 2, "Occupied";
        /// A connector delivers power.
        Charging = 3, "Charging";
        /// The station reports a fault.
        Faulted = 4, "Faulted";
        /// Taken out of service.
        Unavailable = 5, "Unavailable";
        /// Known, not yet accepted.
        Pending = 6, "Pending";
    }
}

codes! {
    /// Connector status: the OCPP 1.6 alphabet and `Occupied` of OCPP 2.x.
    ConnectorStatus {
        /// Nothing was reported yet.
        Unknown = 0, "Unknown";
        /// Free.
        Available = 1, "Available";
        /// A user has begun.
        Preparing = 2, "Preparing";
        /// Energy flows.
        Charging = 3, "Charging";
        /// The EVSE offers no energy.
        SuspendedEvse = 4, "SuspendedEVSE";
        /// The vehicle takes no energy.
        SuspendedEv = 5, "SuspendedEV";
        /// The transaction ended, the cable is still in.
        Finishing = 6, "Finishing";
        /// Held for somebody.
        Reserved = 7, "Reserved";
        /// Out of service.
        Unavailable = 8, "Unavailable";
        /// Faulted.
        Faulted = 9, "Faulted";
        /// OCPP 2.x: in use.
        Occupied = 10, "Occupied";
    }
}

codes! {
    /// What a vehicle is doing.
    VehicleStatus {
        /// Nothing was reported yet.
        Unknown = 0, "Unknown";
        /// On its way.
        Driving = 1, "Driving";
        /// Waiting for a connector.
        Queuing = 2, "Queuing";
        /// At a connector without charging.
        PluggedIn = 3, "PluggedIn";
        /// Charging.
        Charging = 4, "Charging";
        /// At rest.
        Parked = 5, "Parked";
        /// Broken down.
        Faulted = 6, "Faulted";
    }
}

codes! {
    /// The plug, as OCPP `ConnectorEnumType` spells it.
    ConnectorKind {
        /// Nothing was reported yet.
        Unknown = 0, "Unknown";
        /// Type 2 with a fixed cable.
        CType2 = 1, "cType2";
        /// Type 2 socket.
        SType2 = 2, "sType2";
        /// CCS 2.
        CCcs2 = 3, "cCCS2";
        /// CHAdeMO (JEVS G105).
        CG105 = 4, "cG105";
        /// Type 1 with a fixed cable.
        CType1 = 5, "cType1";
        /// CCS 1.
        CCcs1 = 6, "cCCS1";
        /// Tesla, proprietary.
        CTesla = 7, "cTesla";
        /// NACS (SAE J3400).
        CNacs = 8, "cNACS";
        /// Megawatt charging system.
        CMcs = 9, "cMCS";
        /// Any other plug.
        Other = 10, "other";
    }
}

impl ConnectorKind {
    /// The kind of a reported type: `Unknown` for none, `Other` for one that is not in the table.
    #[must_use]
    pub fn of(reported: Option<&str>) -> Self {
        reported.map_or(Self::Unknown, |text| Self::from_text(text).unwrap_or(Self::Other))
    }
}

codes! {
    /// The OCPP version that a station speaks.
    Protocol {
        /// It never connected.
        Unknown = 0, "";
        /// OCPP 1.6.
        Ocpp16 = 16, "1.6";
        /// OCPP 2.1.
        Ocpp21 = 21, "2.1";
        /// OCPP 2.0.1.
        Ocpp201 = 201, "2.0.1";
    }
}

codes! {
    /// The worst open alarm.
    AlarmLevel {
        /// None is open.
        None = 0, "none";
        /// Worth knowing.
        Info = 1, "info";
        /// Needs a look today.
        Minor = 2, "minor";
        /// Service is impaired.
        Major = 3, "major";
        /// Service is down or people are at risk.
        Critical = 4, "critical";
    }
}
