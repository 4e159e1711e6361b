/* Written by `npm run generate` from docs/openapi.json; do not edit. */
export type paths = Record<string, never>;
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** @description How to take the station in. */
        Acceptance: {
            /** @description What people call it, 1 to 200 characters; its id when left out. */
            name?: string | null;
        };
        /** @description One raising of an alarm. */
        Alarm: {
            /**
             * Format: date-time
             * @description When a person saw it.
             */
            acknowledged_at?: string | null;
            acknowledged_by?: string | null;
            /**
             * Format: date-time
             * @description When the condition went away.
             */
            cleared_at?: string | null;
            /**
             * @description A stable code.
             * @example ConnectorFaulted
             */
            code: string;
            /** @example 0199f1d0-7c5e-7a52-9d0b-1f2e3d4c5b6a */
            id: string;
            /** @description What is wrong, for a person. */
            message: string;
            /** Format: date-time */
            raised_at: string;
            /**
             * @description `info`, `minor`, `major` or `critical`.
             * @example major
             */
            severity: string;
            /** @description The charging station that the twin is, or is part of. */
            station?: string | null;
            /** @description The twin that it is about. */
            twin: string;
        };
        /** @description Open alarms by severity. */
        AlarmCounts: {
            /** Format: int64 */
            critical: number;
            /** Format: int64 */
            info: number;
            /** Format: int64 */
            major: number;
            /** Format: int64 */
            minor: number;
            /**
             * Format: int64
             * @description Open ones that nobody has acknowledged.
             */
            unacknowledged: number;
        };
        /** @description One accountable deed. */
        AuditEntry: {
            /**
             * @description What.
             * @example station.add
             */
            action: string;
            /** Format: date-time */
            at: string;
            /** @description Who: a user, the public id of a key, or a part of the system. */
            by: string;
            /** @description More, without secrets. */
            detail: string;
            /**
             * Format: int64
             * @description Its number within the tenant.
             */
            id: number;
            /** @description To which twin, station or key. */
            subject: string;
        };
        /** @description A station that knocked and is not known. */
        Claim: {
            /** @description The network address that it came from. */
            address: string;
            /**
             * Format: int64
             * @description How often it came.
             */
            attempts: number;
            /** Format: date-time */
            first_seen: string;
            /** @description Whether it brought a password, which accepting it would confirm. */
            has_password: boolean;
            /** @description Its number within the tenant. */
            id: string;
            /** Format: date-time */
            last_seen: string;
            /**
             * @description The OCPP subprotocol that it offered.
             * @example ocpp2.0.1
             */
            protocol: string;
            /** @description The identity that it used. */
            station: string;
        };
        /** @description One command to a station, and how far it has come. */
        Command: {
            /**
             * @description The OCPP action as sent.
             * @example RequestStopTransaction
             */
            action: string;
            /** @description The station's own answer, as it sent it. */
            answer?: unknown;
            /** Format: date-time */
            finished_at?: string | null;
            /** @example 0199f1d0-7c5e-7a52-9d0b-1f2e3d4c5b6a */
            id: string;
            /** @description The payload as sent. */
            payload: unknown;
            /** @description Why it failed or was refused, for a person. */
            reason?: string | null;
            /** Format: date-time */
            requested_at: string;
            requested_by: string;
            /**
             * @description `requested`, `sent`, `accepted`, `rejected` or `failed`.
             * @example accepted
             */
            state: string;
            station: string;
        };
        /** @description One connector of an EVSE. */
        Connector: {
            /**
             * Format: int64
             * @description Number within the EVSE, from 1.
             */
            connector_id: number;
            /**
             * Format: double
             * @description Current into the vehicle, in amperes.
             */
            current_a?: number | null;
            /**
             * Format: double
             * @description Energy register, in watt-hours.
             */
            energy_wh?: number | null;
            error_code?: string | null;
            /**
             * Format: int64
             * @description EVSE number, from 1.
             */
            evse_id: number;
            id: string;
            id_token?: string | null;
            /** Format: double */
            max_power_w?: number | null;
            /**
             * Format: double
             * @description Power into the vehicle in watts; negative when it gives.
             */
            power_w?: number | null;
            /**
             * Format: double
             * @description State of charge of the vehicle.
             */
            soc?: number | null;
            /** @example Available */
            status: string;
            /** Format: double */
            temp_c?: number | null;
            transaction_id?: string | null;
            /** @description As OCPP `ConnectorEnumType` spells it. */
            type?: string | null;
            /** Format: date-time */
            updated_at: string;
            /** Format: double */
            voltage_v?: number | null;
        };
        /** @description Connectors by status. */
        ConnectorCounts: {
            /**
             * @description How many have each status that occurs.
             * @example {
             *       "Available": 4,
             *       "Charging": 2
             *     }
             */
            by_status: {
                [key: string]: number;
            };
            /** Format: int64 */
            total: number;
        };
        /** @description A password that is shown once. */
        Credentials: {
            /** @description The station. */
            id: string;
            /** @description To be set in the station; cannot be read again. */
            password: string;
        };
        /** @description One EVSE of a station. */
        Evse: {
            connectors: components["schemas"]["Connector"][];
            /**
             * Format: int64
             * @description Its number, from 1.
             */
            evse_id: number;
            id: string;
            status?: string | null;
        };
        /** @description One thing that was found. */
        Hit: {
            /** @description Its id; of a transaction its number. */
            id: string;
            /**
             * @description `station`, `vehicle`, `transaction`, `alarm` or `twin`.
             * @example station
             */
            kind: string;
            subtitle?: string | null;
            title: string;
        };
        /** @description What was found, the best first. */
        Hits: {
            items: components["schemas"]["Hit"][];
        };
        /** @description A relationship to a twin. */
        Incoming: {
            id: string;
            name: string;
            source: string;
        };
        /** @description What became of them. */
        Ingested: {
            /** @description Items that are recorded. */
            accepted: number;
            /** @description Items that do not fit, in the order of the request. */
            rejected: components["schemas"]["RejectedItem"][];
        };
        /** @description When a value was taken. */
        Metadata: {
            /**
             * Format: date-time
             * @description When the source says that it took it.
             */
            source_time: string;
            /**
             * Format: date-time
             * @description When we heard of it.
             */
            updated_at: string;
        };
        /**
         * @description Either an OCPP `action` of the station's version with its `payload`, or a neutral `command` with its fields.
         * @example {
         *       "command": "remote_start",
         *       "evse": 1,
         *       "id_token": "TAG-1"
         *     }
         */
        NewCommand: {
            /**
             * @description An OCPP action.
             * @example GetConfiguration
             */
            action?: string | null;
            /** @description `remote_start`, `remote_stop`, `reset` or `trigger`. */
            command?: string | null;
            /**
             * Format: int32
             * @description EVSE number, from 1 (OCPP 1.6: connector): where to start or stop, what to reset or ask about.
             */
            evse?: number | null;
            /** @description `remote_start`: who charges. */
            id_token?: string | null;
            /** @description `reset`: at once instead of when idle. */
            immediate?: boolean | null;
            /** @description `trigger`: the message to send, such as `StatusNotification`. */
            message?: string | null;
            /** @description The payload of `action`, validated against the schema of the station's version; `{}` when left out. */
            payload?: unknown;
            /** @description `remote_stop`: the transaction; left out, the one at `evse` or the only one of the station. */
            transaction_id?: string | null;
        };
        /** @description A relationship to make. */
        NewRelationship: {
            /** @description Its id within the twin; name and target joined by `-` when left out. */
            id?: string | null;
            /**
             * @description Its name in the model.
             * @example hasPack
             */
            name: string;
            /** @description Its own properties. */
            properties?: {
                [key: string]: unknown;
            };
            target: string;
        };
        /** @description A new charging station. */
        NewStation: {
            /**
             * @description Its OCPP identity: 1 to 128 characters of letters, digits and `- . + % _ # * ? ! ( ) , = @ $ ' :`.
             * @example ST-01
             */
            id: string;
            /** Format: double */
            lat_deg?: number | null;
            /** Format: double */
            lon_deg?: number | null;
            /** @description What people call it, 1 to 200 characters; its id when left out. */
            name?: string | null;
            /**
             * Format: password
             * @description 16 to 64 printable ASCII characters; drawn at random when left out.
             */
            password?: string | null;
        };
        /** @description A whole twin. */
        NewTwin: {
            /**
             * @description The DTDL model that types it.
             * @example dtmi:voltwin:Zone;1
             */
            model: string;
            /** @description Its values by name. */
            properties?: {
                [key: string]: unknown;
            };
            /** @description All its relationships, at most 1000; left out, those that there are stay. */
            relationships?: components["schemas"]["NewRelationship"][] | null;
        };
        /** @description A position in degrees, WGS 84. */
        Origin: {
            /** Format: double */
            lat_deg: number;
            /** Format: double */
            lon_deg: number;
        };
        /** @description A relationship from a twin. */
        Outgoing: {
            id: string;
            /**
             * @description Its name in the model.
             * @example hasPack
             */
            name: string;
            target: string;
        };
        /** @description The network at a glance. */
        Overview: {
            /**
             * Format: int64
             * @description Charging transactions that run.
             */
            active_transactions: number;
            alarms: components["schemas"]["AlarmCounts"];
            /**
             * Format: date-time
             * @description When these figures held.
             * @example 2026-11-21T08:00:00Z
             */
            at: string;
            /**
             * Format: int64
             * @description Unknown stations that wait to be accepted.
             */
            claims: number;
            connectors: components["schemas"]["ConnectorCounts"];
            /**
             * Format: double
             * @description Energy delivered since midnight at the first site's time zone, in watt-hours.
             */
            energy_today_wh: number;
            /**
             * Format: double
             * @description Rated power of all stations, in watts.
             */
            max_power_w: number;
            /**
             * Format: double
             * @description Power drawn by all stations, in watts.
             * @example 184000
             */
            power_w: number;
            /**
             * Format: int64
             * @description Charging sessions started since then.
             */
            sessions_today: number;
            stations: components["schemas"]["StationCounts"];
            vehicles: components["schemas"]["VehicleCounts"];
            /** @description Each zone, in the order of ids. */
            zones: components["schemas"]["ZoneLoad"][];
        };
        /** @description One page of a list. */
        Page_Alarm: {
            /** @description The items, at most `limit` of them. */
            items: {
                /**
                 * Format: date-time
                 * @description When a person saw it.
                 */
                acknowledged_at?: string | null;
                acknowledged_by?: string | null;
                /**
                 * Format: date-time
                 * @description When the condition went away.
                 */
                cleared_at?: string | null;
                /**
                 * @description A stable code.
                 * @example ConnectorFaulted
                 */
                code: string;
                /** @example 0199f1d0-7c5e-7a52-9d0b-1f2e3d4c5b6a */
                id: string;
                /** @description What is wrong, for a person. */
                message: string;
                /** Format: date-time */
                raised_at: string;
                /**
                 * @description `info`, `minor`, `major` or `critical`.
                 * @example major
                 */
                severity: string;
                /** @description The charging station that the twin is, or is part of. */
                station?: string | null;
                /** @description The twin that it is about. */
                twin: string;
            }[];
            /** @description What to give as `cursor` for the next page; null on the last one. */
            next?: string | null;
        };
        /** @description One page of a list. */
        Page_AuditEntry: {
            /** @description The items, at most `limit` of them. */
            items: {
                /**
                 * @description What.
                 * @example station.add
                 */
                action: string;
                /** Format: date-time */
                at: string;
                /** @description Who: a user, the public id of a key, or a part of the system. */
                by: string;
                /** @description More, without secrets. */
                detail: string;
                /**
                 * Format: int64
                 * @description Its number within the tenant.
                 */
                id: number;
                /** @description To which twin, station or key. */
                subject: string;
            }[];
            /** @description What to give as `cursor` for the next page; null on the last one. */
            next?: string | null;
        };
        /** @description One page of a list. */
        Page_Claim: {
            /** @description The items, at most `limit` of them. */
            items: {
                /** @description The network address that it came from. */
                address: string;
                /**
                 * Format: int64
                 * @description How often it came.
                 */
                attempts: number;
                /** Format: date-time */
                first_seen: string;
                /** @description Whether it brought a password, which accepting it would confirm. */
                has_password: boolean;
                /** @description Its number within the tenant. */
                id: string;
                /** Format: date-time */
                last_seen: string;
                /**
                 * @description The OCPP subprotocol that it offered.
                 * @example ocpp2.0.1
                 */
                protocol: string;
                /** @description The identity that it used. */
                station: string;
            }[];
            /** @description What to give as `cursor` for the next page; null on the last one. */
            next?: string | null;
        };
        /** @description One page of a list. */
        Page_Command: {
            /** @description The items, at most `limit` of them. */
            items: {
                /**
                 * @description The OCPP action as sent.
                 * @example RequestStopTransaction
                 */
                action: string;
                /** @description The station's own answer, as it sent it. */
                answer?: unknown;
                /** Format: date-time */
                finished_at?: string | null;
                /** @example 0199f1d0-7c5e-7a52-9d0b-1f2e3d4c5b6a */
                id: string;
                /** @description The payload as sent. */
                payload: unknown;
                /** @description Why it failed or was refused, for a person. */
                reason?: string | null;
                /** Format: date-time */
                requested_at: string;
                requested_by: string;
                /**
                 * @description `requested`, `sent`, `accepted`, `rejected` or `failed`.
                 * @example accepted
                 */
                state: string;
                station: string;
            }[];
            /** @description What to give as `cursor` for the next page; null on the last one. */
            next?: string | null;
        };
        /** @description One page of a list. */
        Page_Station: {
            /** @description The items, at most `limit` of them. */
            items: {
                /**
                 * Format: int64
                 * @description Charging transactions that run at its connectors.
                 */
                active_transactions: number;
                /** @description The worst open alarm: `info`, `minor`, `major` or `critical`. */
                alarm?: string | null;
                /** @description Our answer to its boot notification: `Accepted`, `Pending` or `Rejected`. */
                boot_status?: string | null;
                /** @description Its EVSEs by number. */
                evses: components["schemas"]["Evse"][];
                firmware_version?: string | null;
                hub?: string | null;
                /**
                 * @description Its OCPP identity.
                 * @example ST-01
                 */
                id: string;
                /** @description When we heard of it last. */
                last_seen?: string | null;
                /** Format: double */
                lat_deg?: number | null;
                /**
                 * Format: int64
                 * @description Storey of its hub, from 0.
                 */
                level?: number | null;
                /** Format: double */
                lon_deg?: number | null;
                /**
                 * Format: double
                 * @description Rated power, in watts.
                 */
                max_power_w?: number | null;
                model?: string | null;
                name?: string | null;
                /** @description `1.6`, `2.0.1` or `2.1`. */
                ocpp_version?: string | null;
                /** @description Whether it has a connection to us. */
                online: boolean;
                /**
                 * Format: double
                 * @description Power drawn now, in watts.
                 */
                power_w?: number | null;
                serial_number?: string | null;
                site?: string | null;
                /** @description `Offline`, `Available`, `Occupied`, `Charging`, `Faulted`, `Unavailable` or `Pending`. */
                status: string;
                vendor?: string | null;
                zone?: string | null;
            }[];
            /** @description What to give as `cursor` for the next page; null on the last one. */
            next?: string | null;
        };
        /** @description One page of a list. */
        Page_StationMessage: {
            /** @description The items, at most `limit` of them. */
            items: {
                /** @description The OCPP action, of the call that it answers if it is an answer. */
                action?: string | null;
                /** Format: date-time */
                at: string;
                /**
                 * @description `in` from the station, `out` to it.
                 * @example in
                 */
                direction: string;
                /** @description The message id. */
                id?: string | null;
                /**
                 * @description `call`, `result`, `error`, or `invalid` for one that could not be read.
                 * @example call
                 */
                kind: string;
                /** @description What was wrong with it, if anything. */
                outcome?: string | null;
                /** @description The payload; text where it was cut short. */
                payload: unknown;
            }[];
            /** @description What to give as `cursor` for the next page; null on the last one. */
            next?: string | null;
        };
        /** @description One page of a list. */
        Page_Transaction: {
            /** @description The items, at most `limit` of them. */
            items: {
                /**
                 * Format: int32
                 * @description Connector of the EVSE, from 1.
                 */
                connector?: number | null;
                /**
                 * Format: double
                 * @description From the start to the end or the newest event, in seconds.
                 */
                duration_s?: number | null;
                /** Format: date-time */
                ended_at?: string | null;
                /**
                 * @description Energy delivered, in Wh, never negative.
                 * @example 15000
                 */
                energy_wh: string;
                /**
                 * Format: int64
                 * @description How many different events it has.
                 */
                events: number;
                /**
                 * Format: int32
                 * @description EVSE number, from 1.
                 */
                evse?: number | null;
                /** @description What a person should know: `started_missing`, `meter_regressed`, `sequence_gap`. */
                flags: string[];
                /** @description Who charges. */
                id_token?: string | null;
                /**
                 * @description The energy register at the start, in Wh.
                 * @example 120034.5
                 */
                meter_start_wh?: string | null;
                /**
                 * @description The energy register at the end, or the newest one known, in Wh.
                 * @example 135034.5
                 */
                meter_stop_wh?: string | null;
                /**
                 * Format: int64
                 * @description Our number, from 1 within the tenant.
                 * @example 17
                 */
                number: number;
                /** @description Whether any part of it happened while the station could not reach us. */
                offline: boolean;
                /**
                 * Format: date-time
                 * @description By the station's clock; null while the start is missing.
                 */
                started_at?: string | null;
                /**
                 * @description `active`, `ended`, or `orphan` for a stop whose start nobody has seen.
                 * @example active
                 */
                state: string;
                station: string;
                stopped_reason?: string | null;
                /** @description The id that station and central system share. */
                transaction_id: string;
            }[];
            /** @description What to give as `cursor` for the next page; null on the last one. */
            next?: string | null;
        };
        /** @description One page of a list. */
        Page_Twin: {
            /** @description The items, at most `limit` of them. */
            items: {
                /** @description Changes with the twin; to be given in `If-Match`. */
                etag: string;
                id: string;
                /** @description Relationships to this twin. */
                incoming: components["schemas"]["Incoming"][];
                /** @description When each value was taken. */
                metadata: {
                    [key: string]: components["schemas"]["Metadata"];
                };
                /**
                 * @description The DTDL model that types it.
                 * @example dtmi:voltwin:Vehicle;1
                 */
                model: string;
                /** @description Values by name. */
                properties: {
                    [key: string]: unknown;
                };
                /** @description Relationships from this twin. */
                relationships: components["schemas"]["Outgoing"][];
                /** Format: date-time */
                updated_at: string;
            }[];
            /** @description What to give as `cursor` for the next page; null on the last one. */
            next?: string | null;
        };
        /** @description One page of a list. */
        Page_Vehicle: {
            /** @description The items, at most `limit` of them. */
            items: {
                /** @description The connector that it is plugged into. */
                connector?: string | null;
                /**
                 * Format: double
                 * @description Clockwise from north, in degrees.
                 */
                heading_deg?: number | null;
                id: string;
                /** Format: double */
                lat_deg?: number | null;
                /** Format: double */
                lon_deg?: number | null;
                name?: string | null;
                /** Format: double */
                odometer_m?: number | null;
                /** @description The twin of its battery pack. */
                pack?: string | null;
                /**
                 * Format: double
                 * @description Into the battery, in watts; negative while driving.
                 */
                power_w?: number | null;
                /**
                 * Format: double
                 * @description State of charge.
                 */
                soc?: number | null;
                /**
                 * Format: double
                 * @description In metres per second.
                 */
                speed_mps?: number | null;
                /**
                 * @description `Driving`, `Queuing`, `PluggedIn`, `Charging`, `Parked`, `Faulted` or `Unknown`.
                 * @example Driving
                 */
                status: string;
                /** Format: date-time */
                updated_at: string;
                /** @description The zone that it is in. */
                zone?: string | null;
            }[];
            /** @description What to give as `cursor` for the next page; null on the last one. */
            next?: string | null;
        };
        /** @description An error as the API answers it (`application/problem+json`). */
        Problem: {
            /**
             * @description What is wrong this time.
             * @example `limit` is 501; it must be 1 to 500
             */
            detail: string;
            /**
             * @description The input at fault, where there is one: a field of the body, a query parameter, a header.
             * @example limit
             */
            field?: string | null;
            /**
             * Format: double
             * @description The bound that was broken, where there is one.
             * @example 500
             */
            limit?: number | null;
            /**
             * Format: int32
             * @description Seconds to wait before the next attempt; also in the `Retry-After` header.
             */
            retry_after_s?: number | null;
            /**
             * Format: int32
             * @description The HTTP status.
             * @example 400
             */
            status: number;
            /**
             * @description The kind of problem, for a person.
             * @example the input is not valid
             */
            title: string;
            /**
             * @description The kind of problem; stable, to be compared with.
             * @example urn:voltwin:problem:invalid-input
             */
            type: string;
        };
        /** @description A property over time. */
        PropertyHistory: {
            /**
             * @description `[t_ms, min, mean, max, count]` of each span that has values: where it starts in milliseconds since 1970, the
             *     figures of its values, and how many there are.
             * @example [
             *       [
             *         1795000000000,
             *         7000,
             *         7350.5,
             *         7400,
             *         12
             *       ]
             *     ]
             */
            points: number[][];
            /** @example power_w */
            property: string;
            /**
             * @description As DTDL spells it.
             * @example watt
             */
            unit?: string | null;
        };
        /** @description An item that does not fit. */
        RejectedItem: {
            /** @description Why. */
            detail: string;
            /** @description Its place in `items`, from 0. */
            index: number;
        };
        /** @description What stands where. */
        Scene: {
            hubs: components["schemas"]["SceneHub"][];
            /** @description The middle of what has a position; 0, 0 when nothing has. */
            origin: components["schemas"]["Origin"];
            sites: components["schemas"]["SceneSite"][];
            stations: components["schemas"]["SceneStation"][];
            zones: components["schemas"]["SceneZone"][];
        };
        /** @description A connector. */
        SceneConnector: {
            /**
             * Format: int64
             * @description Connector number within the EVSE, from 1.
             */
            connector: number;
            /**
             * Format: int64
             * @description EVSE number, from 1.
             */
            evse: number;
            id: string;
            /** Format: double */
            max_power_w?: number | null;
            /** @description As OCPP `ConnectorEnumType` spells it. */
            type?: string | null;
        };
        /** @description A grid connection. */
        SceneGrid: {
            id: string;
            /**
             * Format: double
             * @description What may be drawn at most, in watts.
             */
            max_power_w?: number | null;
        };
        /** @description A hub: a building or yard with charging stations on one or more levels. */
        SceneHub: {
            id: string;
            /** Format: double */
            lat_deg: number;
            /**
             * Format: int64
             * @description Storeys, at least 1.
             */
            levels: number;
            /** Format: double */
            lon_deg: number;
            name: string;
            site?: string | null;
        };
        /** @description A site. */
        SceneSite: {
            grid?: components["schemas"]["SceneGrid"] | null;
            id: string;
            /** Format: double */
            lat_deg: number;
            /** Format: double */
            lon_deg: number;
            name: string;
            zone?: string | null;
        };
        /** @description A charging station. */
        SceneStation: {
            connectors: components["schemas"]["SceneConnector"][];
            hub?: string | null;
            id: string;
            /**
             * Format: double
             * @description Its own position, or that of its hub or site.
             */
            lat_deg?: number | null;
            /**
             * Format: int64
             * @description Storey of its hub, from 0.
             */
            level?: number | null;
            /** Format: double */
            lon_deg?: number | null;
            /** Format: double */
            max_power_w?: number | null;
            name?: string | null;
            site?: string | null;
            zone?: string | null;
        };
        /** @description A zone. */
        SceneZone: {
            /** @description The outline as `[lon, lat]` in degrees, closed. */
            boundary: number[][];
            id: string;
            name: string;
            /** @description The roads within it, each a line of `[lon, lat]` in degrees. */
            roads: number[][][];
        };
        /** @description Who is signed in. */
        Session: {
            /**
             * @description `viewer` reads, `operator` also runs the network, `admin` also decides who may do what.
             * @example operator
             */
            role: string;
            /** @example demo */
            tenant: string;
            /**
             * @description The user, or the public id of the key.
             * @example olu
             */
            user: string;
        };
        /** @description An API key, or a user's name and password. */
        SignIn: {
            /**
             * Format: password
             * @description An API key, alone.
             */
            key?: string | null;
            /**
             * Format: password
             * @description The user's password, 1 to 1024 bytes.
             */
            password?: string | null;
            /** @description The tenant of the user. */
            tenant?: string | null;
            /** @description The user's name. */
            user?: string | null;
        };
        /** @description A charging station as its twin shows it. */
        Station: {
            /**
             * Format: int64
             * @description Charging transactions that run at its connectors.
             */
            active_transactions: number;
            /** @description The worst open alarm: `info`, `minor`, `major` or `critical`. */
            alarm?: string | null;
            /** @description Our answer to its boot notification: `Accepted`, `Pending` or `Rejected`. */
            boot_status?: string | null;
            /** @description Its EVSEs by number. */
            evses: components["schemas"]["Evse"][];
            firmware_version?: string | null;
            hub?: string | null;
            /**
             * @description Its OCPP identity.
             * @example ST-01
             */
            id: string;
            /** @description When we heard of it last. */
            last_seen?: string | null;
            /** Format: double */
            lat_deg?: number | null;
            /**
             * Format: int64
             * @description Storey of its hub, from 0.
             */
            level?: number | null;
            /** Format: double */
            lon_deg?: number | null;
            /**
             * Format: double
             * @description Rated power, in watts.
             */
            max_power_w?: number | null;
            model?: string | null;
            name?: string | null;
            /** @description `1.6`, `2.0.1` or `2.1`. */
            ocpp_version?: string | null;
            /** @description Whether it has a connection to us. */
            online: boolean;
            /**
             * Format: double
             * @description Power drawn now, in watts.
             */
            power_w?: number | null;
            serial_number?: string | null;
            site?: string | null;
            /** @description `Offline`, `Available`, `Occupied`, `Charging`, `Faulted`, `Unavailable` or `Pending`. */
            status: string;
            vendor?: string | null;
            zone?: string | null;
        };
        /** @description Charging stations by state. */
        StationCounts: {
            /**
             * Format: int64
             * @description Whose status is `Faulted`.
             */
            faulted: number;
            /**
             * Format: int64
             * @description With a connection to us.
             */
            online: number;
            /** Format: int64 */
            total: number;
        };
        /** @description One OCPP frame as it passed. */
        StationMessage: {
            /** @description The OCPP action, of the call that it answers if it is an answer. */
            action?: string | null;
            /** Format: date-time */
            at: string;
            /**
             * @description `in` from the station, `out` to it.
             * @example in
             */
            direction: string;
            /** @description The message id. */
            id?: string | null;
            /**
             * @description `call`, `result`, `error`, or `invalid` for one that could not be read.
             * @example call
             */
            kind: string;
            /** @description What was wrong with it, if anything. */
            outcome?: string | null;
            /** @description The payload; text where it was cut short. */
            payload: unknown;
        };
        /** @description A station with the password that is shown once. */
        StationWithPassword: components["schemas"]["Station"] & {
            /**
             * @description To be set in the station (OCPP `AuthorizationKey` or `BasicAuthPassword`); cannot be read again. Null where
             *     the station has one already.
             */
            password?: string | null;
        };
        /** @description Values of many twins. */
        Telemetry: {
            /** @description 1 to 10 000 items. */
            items: components["schemas"]["TelemetryItem"][];
        };
        /** @description Values that one twin took at one time. */
        TelemetryItem: {
            /**
             * Format: date-time
             * @description When they were taken; now when left out. At most 5 minutes ahead.
             */
            at?: string | null;
            /** @example V-17 */
            twin: string;
            /**
             * @description The values by name; null removes one.
             * @example {
             *       "soc": 0.62,
             *       "speed_mps": 8.3
             *     }
             */
            values: {
                [key: string]: unknown;
            };
        };
        /** @description The record of one charging transaction. Energies are exact decimals in Wh. */
        Transaction: {
            /**
             * Format: int32
             * @description Connector of the EVSE, from 1.
             */
            connector?: number | null;
            /**
             * Format: double
             * @description From the start to the end or the newest event, in seconds.
             */
            duration_s?: number | null;
            /** Format: date-time */
            ended_at?: string | null;
            /**
             * @description Energy delivered, in Wh, never negative.
             * @example 15000
             */
            energy_wh: string;
            /**
             * Format: int64
             * @description How many different events it has.
             */
            events: number;
            /**
             * Format: int32
             * @description EVSE number, from 1.
             */
            evse?: number | null;
            /** @description What a person should know: `started_missing`, `meter_regressed`, `sequence_gap`. */
            flags: string[];
            /** @description Who charges. */
            id_token?: string | null;
            /**
             * @description The energy register at the start, in Wh.
             * @example 120034.5
             */
            meter_start_wh?: string | null;
            /**
             * @description The energy register at the end, or the newest one known, in Wh.
             * @example 135034.5
             */
            meter_stop_wh?: string | null;
            /**
             * Format: int64
             * @description Our number, from 1 within the tenant.
             * @example 17
             */
            number: number;
            /** @description Whether any part of it happened while the station could not reach us. */
            offline: boolean;
            /**
             * Format: date-time
             * @description By the station's clock; null while the start is missing.
             */
            started_at?: string | null;
            /**
             * @description `active`, `ended`, or `orphan` for a stop whose start nobody has seen.
             * @example active
             */
            state: string;
            station: string;
            stopped_reason?: string | null;
            /** @description The id that station and central system share. */
            transaction_id: string;
        };
        /** @description A twin. */
        Twin: {
            /** @description Changes with the twin; to be given in `If-Match`. */
            etag: string;
            id: string;
            /** @description Relationships to this twin. */
            incoming: components["schemas"]["Incoming"][];
            /** @description When each value was taken. */
            metadata: {
                [key: string]: components["schemas"]["Metadata"];
            };
            /**
             * @description The DTDL model that types it.
             * @example dtmi:voltwin:Vehicle;1
             */
            model: string;
            /** @description Values by name. */
            properties: {
                [key: string]: unknown;
            };
            /** @description Relationships from this twin. */
            relationships: components["schemas"]["Outgoing"][];
            /** Format: date-time */
            updated_at: string;
        };
        /** @description Changes to a twin. */
        TwinPatch: {
            /**
             * @description New values by name; null removes one.
             * @example {
             *       "level": null,
             *       "name": "Harbour"
             *     }
             */
            properties?: {
                [key: string]: unknown;
            };
            /** @description Relationships to make or replace, at most 1000. */
            relationships?: components["schemas"]["NewRelationship"][];
            /** @description Ids of relationships to remove, at most 1000. */
            remove_relationships?: string[];
        };
        /** @description A vehicle. */
        Vehicle: {
            /** @description The connector that it is plugged into. */
            connector?: string | null;
            /**
             * Format: double
             * @description Clockwise from north, in degrees.
             */
            heading_deg?: number | null;
            id: string;
            /** Format: double */
            lat_deg?: number | null;
            /** Format: double */
            lon_deg?: number | null;
            name?: string | null;
            /** Format: double */
            odometer_m?: number | null;
            /** @description The twin of its battery pack. */
            pack?: string | null;
            /**
             * Format: double
             * @description Into the battery, in watts; negative while driving.
             */
            power_w?: number | null;
            /**
             * Format: double
             * @description State of charge.
             */
            soc?: number | null;
            /**
             * Format: double
             * @description In metres per second.
             */
            speed_mps?: number | null;
            /**
             * @description `Driving`, `Queuing`, `PluggedIn`, `Charging`, `Parked`, `Faulted` or `Unknown`.
             * @example Driving
             */
            status: string;
            /** Format: date-time */
            updated_at: string;
            /** @description The zone that it is in. */
            zone?: string | null;
        };
        /** @description Vehicles by what they do. */
        VehicleCounts: {
            /** Format: int64 */
            charging: number;
            /** Format: int64 */
            driving: number;
            /** Format: int64 */
            faulted: number;
            /** Format: int64 */
            queuing: number;
            /** Format: int64 */
            total: number;
        };
        /** @description The load of one zone. */
        ZoneLoad: {
            /** Format: int64 */
            connectors: number;
            /**
             * Format: double
             * @description Energy that its stations delivered today, in watt-hours.
             */
            energy_today_wh: number;
            id: string;
            /**
             * Format: int64
             * @description Connectors that somebody holds.
             */
            in_use: number;
            /**
             * Format: double
             * @description Rated power of its stations, in watts.
             */
            max_power_w: number;
            name: string;
            /**
             * Format: double
             * @description Power drawn by its stations, in watts.
             */
            power_w: number;
            /** Format: int64 */
            stations: number;
            /**
             * Format: double
             * @description Share of its connectors in use.
             */
            utilisation: number;
            /**
             * Format: int64
             * @description Vehicles within its boundary.
             */
            vehicles: number;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export type operations = Record<string, never>;
