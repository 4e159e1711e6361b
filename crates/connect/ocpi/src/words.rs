//! The enumerations of OCPI. A word that this version does not know is kept as it came, so that a partner who knows
//! more does not break us.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// The longest unknown word that is kept.
const WORD_CHARS_MAX: usize = 64;

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($variant:ident = $word:literal),+ $(,)? })+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub enum $name {
            $(#[doc = concat!("`", $word, "`")] $variant,)+
            /// A word that OCPI 2.2.1 does not have.
            Other(String),
        }

        impl $name {
            /// Every word that OCPI 2.2.1 has.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The word on the wire.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $word,)+
                    Self::Other(word) => word,
                }
            }
        }

        impl From<&str> for $name {
            fn from(word: &str) -> Self {
                match word {
                    $($word => Self::$variant,)+
                    other => Self::Other(other.chars().take(WORD_CHARS_MAX).collect()),
                }
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let word = String::deserialize(deserializer)?;
                if word.is_empty() {
                    return Err(D::Error::custom("an empty word"));
                }
                Ok(Self::from(word.as_str()))
            }
        }
    )+};
}

words! {
    /// What a party is.
    Role { Cpo = "CPO", Emsp = "EMSP", Hub = "HUB", Nap = "NAP", Nsp = "NSP", OtherKind = "OTHER", Scsp = "SCSP" }
    /// A module.
    Module {
        Cdrs = "cdrs", ChargingProfiles = "chargingprofiles", Commands = "commands", Credentials = "credentials",
        HubClientInfo = "hubclientinfo", Locations = "locations", Sessions = "sessions", Tariffs = "tariffs",
        Tokens = "tokens",
    }
    /// Who owns the data of an endpoint.
    InterfaceRole { Sender = "SENDER", Receiver = "RECEIVER" }
    /// The status of an EVSE.
    EvseStatus {
        Available = "AVAILABLE", Blocked = "BLOCKED", Charging = "CHARGING", Inoperative = "INOPERATIVE",
        OutOfOrder = "OUTOFORDER", Planned = "PLANNED", Removed = "REMOVED", Reserved = "RESERVED",
        Unknown = "UNKNOWN",
    }
    /// What an EVSE can do.
    Capability {
        ChargingProfileCapable = "CHARGING_PROFILE_CAPABLE", RemoteStartStopCapable = "REMOTE_START_STOP_CAPABLE",
        Reservable = "RESERVABLE", RfidReader = "RFID_READER", UnlockCapable = "UNLOCK_CAPABLE",
        TokenGroupCapable = "TOKEN_GROUP_CAPABLE",
    }
    /// The shape of a connector.
    ConnectorStandard {
        Chademo = "CHADEMO", Chaoji = "CHAOJI", DomesticA = "DOMESTIC_A", DomesticB = "DOMESTIC_B",
        DomesticE = "DOMESTIC_E", DomesticF = "DOMESTIC_F", DomesticG = "DOMESTIC_G", DomesticJ = "DOMESTIC_J",
        GbtAc = "GBT_AC", GbtDc = "GBT_DC", Iec603092Single16 = "IEC_60309_2_single_16",
        Iec603092Three16 = "IEC_60309_2_three_16", Iec603092Three32 = "IEC_60309_2_three_32",
        Iec603092Three64 = "IEC_60309_2_three_64", Iec62196T1 = "IEC_62196_T1",
        Iec62196T1Combo = "IEC_62196_T1_COMBO", Iec62196T2 = "IEC_62196_T2",
        Iec62196T2Combo = "IEC_62196_T2_COMBO", Iec62196T3a = "IEC_62196_T3A", Iec62196T3c = "IEC_62196_T3C",
        PantographBottomUp = "PANTOGRAPH_BOTTOM_UP", PantographTopDown = "PANTOGRAPH_TOP_DOWN",
        TeslaR = "TESLA_R", TeslaS = "TESLA_S",
    }
    /// Socket or attached cable.
    ConnectorFormat { Socket = "SOCKET", Cable = "CABLE" }
    /// The current of a connector.
    PowerType {
        Ac1Phase = "AC_1_PHASE", Ac2Phase = "AC_2_PHASE", Ac2PhaseSplit = "AC_2_PHASE_SPLIT",
        Ac3Phase = "AC_3_PHASE", Dc = "DC",
    }
    /// How a session was authorised.
    AuthMethod { AuthRequest = "AUTH_REQUEST", Command = "COMMAND", Whitelist = "WHITELIST" }
    /// Where a session stands.
    SessionStatus {
        Active = "ACTIVE", Completed = "COMPLETED", Invalid = "INVALID", Pending = "PENDING",
        Reservation = "RESERVATION",
    }
    /// What a dimension of a charging period measures.
    DimensionType {
        Current = "CURRENT", Energy = "ENERGY", EnergyExport = "ENERGY_EXPORT", EnergyImport = "ENERGY_IMPORT",
        MaxCurrent = "MAX_CURRENT", MinCurrent = "MIN_CURRENT", MaxPower = "MAX_POWER", MinPower = "MIN_POWER",
        ParkingTime = "PARKING_TIME", Power = "POWER", ReservationTime = "RESERVATION_TIME",
        StateOfCharge = "STATE_OF_CHARGE", Time = "TIME",
    }
    /// What a price component is for.
    TariffDimensionType { Energy = "ENERGY", Flat = "FLAT", ParkingTime = "PARKING_TIME", Time = "TIME" }
    /// A day of the week.
    DayOfWeek {
        Monday = "MONDAY", Tuesday = "TUESDAY", Wednesday = "WEDNESDAY", Thursday = "THURSDAY",
        Friday = "FRIDAY", Saturday = "SATURDAY", Sunday = "SUNDAY",
    }
    /// Whether a party can be reached through its hub.
    ConnectionStatus { Connected = "CONNECTED", Offline = "OFFLINE", Planned = "PLANNED", Suspended = "SUSPENDED" }
    /// What an element that prices a reservation is for.
    ReservationRestriction { Reservation = "RESERVATION", ReservationExpires = "RESERVATION_EXPIRES" }
    /// What a token is.
    TokenType { AdHocUser = "AD_HOC_USER", AppUser = "APP_USER", OtherKind = "OTHER", Rfid = "RFID" }
    /// When a token may be accepted without asking its owner.
    Whitelist { Always = "ALWAYS", Allowed = "ALLOWED", AllowedOffline = "ALLOWED_OFFLINE", Never = "NEVER" }
    /// What the owner of a token says.
    Allowed {
        Allowed = "ALLOWED", Blocked = "BLOCKED", Expired = "EXPIRED", NoCredit = "NO_CREDIT",
        NotAllowed = "NOT_ALLOWED",
    }
    /// Whether a command was taken.
    CommandResponseType {
        NotSupported = "NOT_SUPPORTED", Rejected = "REJECTED", Accepted = "ACCEPTED",
        UnknownSession = "UNKNOWN_SESSION",
    }
    /// What came of a command.
    CommandResultType {
        Accepted = "ACCEPTED", CanceledReservation = "CANCELED_RESERVATION", EvseOccupied = "EVSE_OCCUPIED",
        EvseInoperative = "EVSE_INOPERATIVE", Failed = "FAILED", NotSupported = "NOT_SUPPORTED",
        Rejected = "REJECTED", Timeout = "TIMEOUT", UnknownReservation = "UNKNOWN_RESERVATION",
    }
    /// The unit of a charging profile.
    ChargingRateUnit { Watt = "W", Ampere = "A" }
    /// Whether we take a charging profile.
    ChargingProfileResponseType {
        Accepted = "ACCEPTED", NotSupported = "NOT_SUPPORTED", Rejected = "REJECTED", TooOften = "TOO_OFTEN",
        UnknownSession = "UNKNOWN_SESSION",
    }
    /// What came of it at the station.
    ChargingProfileResultType { Accepted = "ACCEPTED", Rejected = "REJECTED", Unknown = "UNKNOWN" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_words_pass_through_and_known_ones_are_found() {
        let word: EvseStatus = serde_json::from_str("\"LEVITATING\"").unwrap();
        assert_eq!(word, EvseStatus::Other("LEVITATING".to_owned()));
        assert_eq!(serde_json::to_string(&word).unwrap(), "\"LEVITATING\"");
        for status in EvseStatus::ALL {
            assert_eq!(&EvseStatus::from(status.as_str()), status);
        }
        assert!(serde_json::from_str::<EvseStatus>("\"\"").is_err());
    }
}
