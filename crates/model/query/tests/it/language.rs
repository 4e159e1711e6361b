//! What is taken, what is refused, and where the refusal points.

use voltwin_query::{DEPTH_MAX, Dialect, Query, QueryError};

/// Taken in both dialects.
const TAKEN: [&str; 46] = [
    "SELECT * FROM DIGITALTWINS",
    "select * from digitaltwins",
    "SELECT TOP(5) FROM DIGITALTWINS",
    "SELECT TOP (5) * FROM DIGITALTWINS",
    "SELECT COUNT() FROM DIGITALTWINS",
    "SELECT COUNT() FROM RELATIONSHIPS",
    "SELECT T FROM DIGITALTWINS T",
    "SELECT T.name, T.info.city AS town FROM DIGITALTWINS T",
    "SELECT name FROM DIGITALTWINS",
    "SELECT * FROM RELATIONSHIPS WHERE $sourceId IN ['A', 'B', 'C', 'D']",
    "SELECT * FROM DIGITALTWINS T WHERE T.firmwareVersion = '1.1' AND T.$dtId in ['123', '456'] AND T.Temperature = 70",
    "SELECT * FROM DIGITALTWINS DT WHERE NOT DT.Temperature <= 80",
    "SELECT * FROM DIGITALTWINS WHERE IS_DEFINED(tags.red)",
    "SELECT * FROM DIGITALTWINS WHERE [[Group]] = 'BravoTeam'",
    "SELECT * FROM DIGITALTWINS T WHERE T.[[order]] = 1",
    "SELECT * FROM DIGITALTWINS WHERE x = 'it''s' OR x = 'it\\'s' OR x = \"it's\"",
    "SELECT * FROM DIGITALTWINS WHERE x = -5 AND y>-0.5 AND z = 1e3",
    "SELECT * FROM DIGITALTWINS WHERE x = true AND y != FALSE AND z = null",
    "SELECT * FROM DIGITALTWINS WHERE 5 < x",
    "SELECT * FROM DIGITALTWINS WHERE x NOT IN ['a']",
    "SELECT * FROM DIGITALTWINS WHERE x NOT_IN ['a'] OR x NIN [1, true, null]",
    "SELECT * FROM DIGITALTWINS WHERE NOT NOT (x = 1)",
    "SELECT * FROM DIGITALTWINS WHERE IS_OF_MODEL('dtmi:sample:thing;1')",
    "SELECT * FROM DIGITALTWINS WHERE IS_OF_MODEL('dtmi:sample:thing;1', exact)",
    "SELECT * FROM DIGITALTWINS DT WHERE IS_OF_MODEL(DT, 'dtmi:sample:thing;1')",
    "SELECT * FROM DIGITALTWINS DT WHERE IS_OF_MODEL(DT, 'dtmi:sample:thing;1', EXACT)",
    "SELECT * FROM DIGITALTWINS T WHERE CONTAINS(T.$dtId, '-route') AND STARTSWITH(T.$dtId, 'a') AND ENDSWITH(T.$dtId, 'b')",
    "SELECT * FROM DIGITALTWINS T WHERE STARTS_WITH(T.$dtId, 'a') AND ENDS_WITH(T.$dtId, 'b')",
    "SELECT T.name FROM DIGITALTWINS T WHERE ARRAY_CONTAINS (T.floor_number, 2)",
    "SELECT * FROM DIGITALTWINS T WHERE IS_BOOL(T.a) OR IS_NULL(T.a) OR IS_NUMBER(T.a) OR IS_OBJECT(T.a) OR IS_PRIMITIVE(T.a) OR IS_STRING(T.a)",
    "SELECT T, CT FROM DIGITALTWINS T JOIN CT RELATED T.contains WHERE T.$dtId = 'ABC'",
    "SELECT T, SBT, R FROM DIGITALTWINS T JOIN SBT RELATED T.servicedBy R WHERE T.$dtId = 'ABC' AND R.reportedCondition = 'clean'",
    "SELECT Room FROM DIGITALTWINS Room JOIN Thermostat RELATED Room.Contains WHERE Thermostat.$dtId = 'id1'",
    "SELECT COUNT() FROM DIGITALTWINS Room JOIN LightPanel RELATED Room.contains JOIN LightBulb RELATED LightPanel.contains WHERE IS_OF_MODEL(LightPanel, 'dtmi:contoso:com:lightpanel;1') AND Room.$dtId IN ['room1', 'room2']",
    "SELECT A, B FROM DIGITALTWINS A JOIN B RELATED A.x WHERE A.$dtId = 'a' OR A.$dtId = 'b'",
    "SELECT A, B FROM DIGITALTWINS MATCH (A)-[]->(B) WHERE A.$dtId = 'a' AND B.temperature > 50",
    "SELECT A, B FROM DIGITALTWINS MATCH (A)<-[]-(B) WHERE A.$dtId = 'a'",
    "SELECT A, B FROM DIGITALTWINS MATCH (A)-[:contains|isAssociatedWith]-(B) WHERE A.$dtId = 'a'",
    "SELECT A, B FROM DIGITALTWINS MATCH (A)-[:contains*3]-(B) WHERE A.$dtId = 'a'",
    "SELECT A, B FROM DIGITALTWINS MATCH (A)-[*1..3]-(B) WHERE A.$dtId = 'a'",
    "SELECT A, B FROM DIGITALTWINS MATCH (A)-[*..2]->(B) WHERE A.$dtId = 'a'",
    "SELECT A, B, r FROM DIGITALTWINS MATCH (A)-[r:contains]->(B) WHERE A.$dtId = 'a' AND r.length = 10",
    "SELECT A, C FROM DIGITALTWINS MATCH (A)-[r]->()<-[:has|includes*..3]-(C) WHERE A.$dtId = 'a'",
    "SELECT A FROM DIGITALTWINS MATCH (A)-[[[Group]]:x]->(B) WHERE A.$dtId = 'a' AND [[Group]].y = 1",
    "SELECT A FROM DIGITALTWINS MATCH (A) WHERE A.$dtId = 'a'",
    "SELECT Straße FROM DIGITALTWINS Straße\n  WHERE Straße.größe > 1",
];

/// Taken in the superset alone; the column at which Azure's dialect refuses.
const SUPERSET: [(&str, u32); 19] = [
    ("SELECT * FROM DIGITALTWINS T ORDER BY T.soc DESC, T.name ASC", 30),
    ("SELECT T.a, COUNT() FROM DIGITALTWINS T GROUP BY T.a", 41),
    ("SELECT SUM(T.a) AS total FROM DIGITALTWINS T", 8),
    ("SELECT AVG(a), MIN(a), MAX(a) FROM DIGITALTWINS", 8),
    ("SELECT COUNT(T.a) FROM DIGITALTWINS T", 14),
    ("SELECT T.a, COUNT() FROM DIGITALTWINS T GROUP BY T.a ORDER BY COUNT() DESC", 41),
    ("SELECT * FROM DIGITALTWINS AS OF '2026-11-21T08:00:00Z'", 28),
    ("SELECT T FROM DIGITALTWINS T AS OF '2026-11-21T08:00:00+01:00' JOIN U RELATED T.x", 30),
    ("SELECT * FROM DIGITALTWINS A JOIN B RELATED A.x WHERE A.$dtId = 'a'", 8),
    ("SELECT A FROM DIGITALTWINS A JOIN B RELATED A.x", 35),
    ("SELECT A FROM DIGITALTWINS A JOIN B RELATED A.x WHERE A.$dtId = 'a' OR A.y = 1", 35),
    ("SELECT A FROM DIGITALTWINS A JOIN B RELATED A.x WHERE A.$dtId != 'a'", 35),
    ("SELECT A FROM DIGITALTWINS A JOIN B RELATED A.x WHERE A.$dtId NIN ['a']", 35),
    ("SELECT A FROM DIGITALTWINS A JOIN B RELATED A.x WHERE A.$dtId = B.$dtId", 35),
    ("SELECT A FROM DIGITALTWINS MATCH (A)-[:x]->(B)", 28),
    ("SELECT A FROM DIGITALTWINS MATCH (A)-[*11]->(B) WHERE A.$dtId = 'a'", 40),
    ("SELECT A FROM DIGITALTWINS MATCH (A)-[*6]->()-[*5]-(B) WHERE A.$dtId = 'a'", 46),
    ("SELECT A FROM DIGITALTWINS A JOIN B RELATED A.x R WHERE A.$dtId = 'a' AND ARRAY_CONTAINS(R.y, 1)", 90),
    (
        "SELECT A FROM DIGITALTWINS A JOIN B RELATED A.a JOIN C RELATED A.a JOIN D RELATED A.a JOIN E RELATED A.a JOIN F RELATED A.a JOIN G RELATED A.a WHERE A.$dtId = 'a'",
        125,
    ),
];

/// Refused in both: line, column, and a part of what is said.
const REFUSED: [(&str, u32, u32, &str); 60] = [
    ("", 1, 1, "expected SELECT, found the end"),
    ("FROM DIGITALTWINS", 1, 1, "expected SELECT, found `FROM`"),
    ("SELECT", 1, 7, "expected `*`, COUNT() or a name, found the end"),
    ("SELECT FROM DIGITALTWINS", 1, 8, "expected a name"),
    ("SELECT *", 1, 9, "expected FROM"),
    ("SELECT * FORM DIGITALTWINS", 1, 10, "expected FROM, found `FORM`"),
    ("SELECT * FROM Twins", 1, 15, "expected DIGITALTWINS or RELATIONSHIPS, found `Twins`"),
    ("SELECT *\nFROM DIGITALTWINS\n  WERE x = 1", 3, 8, "expected JOIN, MATCH, WHERE"),
    ("SELECT * FROM DIGITALTWINS T WHERE", 1, 35, "expected a condition, found the end"),
    ("SELECT * FROM DIGITALTWINS WHERE x", 1, 35, "expected =, !="),
    ("SELECT * FROM DIGITALTWINS WHERE x =", 1, 37, "expected a value or a name"),
    ("SELECT * FROM DIGITALTWINS WHERE x == 1", 1, 37, "expected a value or a name, found `=`"),
    ("SELECT * FROM DIGITALTWINS WHERE x = 1 AND", 1, 43, "expected a condition"),
    ("SELECT * FROM DIGITALTWINS WHERE x = 1 y = 2", 1, 40, "expected AND, OR"),
    ("SELECT * FROM DIGITALTWINS WHERE (x = 1", 1, 40, "expected `)`, found the end"),
    ("SELECT * FROM DIGITALTWINS WHERE x = 1)", 1, 39, "expected AND, OR"),
    ("SELECT * FROM DIGITALTWINS WHERE x IN []", 1, 40, "expected a value"),
    ("SELECT * FROM DIGITALTWINS WHERE x IN ['a' 'b']", 1, 44, "expected `,` or `]`"),
    ("SELECT * FROM DIGITALTWINS WHERE x IN [y]", 1, 40, "a list holds values, no names"),
    ("SELECT * FROM DIGITALTWINS WHERE x IN 'a'", 1, 39, "expected `[`"),
    ("SELECT * FROM DIGITALTWINS WHERE x NOT 'a'", 1, 40, "expected IN"),
    ("SELECT * FROM DIGITALTWINS WHERE x = 'open", 1, 38, "a closing '"),
    ("SELECT * FROM DIGITALTWINS WHERE x = 'a\\z'", 1, 40, "found `\\z`"),
    ("SELECT * FROM DIGITALTWINS WHERE x = 1a", 1, 39, "after the number"),
    ("SELECT * FROM DIGITALTWINS WHERE x ; 1", 1, 36, "found `;`"),
    ("SELECT * FROM DIGITALTWINS WHERE x = - y", 1, 40, "a number after the minus"),
    ("SELECT * FROM DIGITALTWINS WHERE Group = 'a'", 1, 34, "written [[Group]]"),
    ("SELECT top FROM DIGITALTWINS", 1, 12, "expected `(`"),
    ("SELECT TOP(x) * FROM DIGITALTWINS", 1, 12, "a whole number"),
    ("SELECT TOP(-1) * FROM DIGITALTWINS", 1, 12, "a whole number"),
    ("SELECT TOP(1.5) * FROM DIGITALTWINS", 1, 12, "a whole number"),
    ("SELECT COUNT( FROM DIGITALTWINS", 1, 15, ""),
    ("SELECT *, name FROM DIGITALTWINS", 1, 9, "expected FROM, found `,`"),
    ("SELECT T. FROM DIGITALTWINS T", 1, 11, "a name after the dot"),
    ("SELECT T.name AS FROM DIGITALTWINS T", 1, 18, "a name for the column"),
    (
        "SELECT A.name, B.name FROM DIGITALTWINS A JOIN B RELATED A.x WHERE A.$dtId = 'a'",
        1,
        16,
        "two columns are called `name`",
    ),
    (
        "SELECT U FROM DIGITALTWINS T JOIN V RELATED T.x WHERE T.$dtId = 'a'",
        1,
        8,
        "no collection `U`; there are: T, V",
    ),
    ("SELECT * FROM DIGITALTWINS T WHERE T = 1", 1, 36, "`T` is a collection"),
    ("SELECT * FROM DIGITALTWINS WHERE LIKE(x, 'a')", 1, 34, "no function LIKE"),
    ("SELECT * FROM DIGITALTWINS WHERE STARTSWITH(x)", 1, 46, "expected `,`"),
    ("SELECT * FROM DIGITALTWINS WHERE IS_OF_MODEL()", 1, 46, "expected a name"),
    ("SELECT * FROM DIGITALTWINS WHERE IS_OF_MODEL('dtmi:a;1', exactly)", 1, 58, "expected exact"),
    ("SELECT * FROM DIGITALTWINS T WHERE IS_OF_MODEL(T.name, 'dtmi:a;1')", 1, 48, "a collection of twins"),
    ("SELECT * FROM RELATIONSHIPS WHERE IS_OF_MODEL('dtmi:a;1')", 1, 47, "a collection of twins"),
    (
        "SELECT A FROM DIGITALTWINS A JOIN B RELATED A.x WHERE IS_OF_MODEL('dtmi:a;1') AND A.$dtId = 'a'",
        1,
        67,
        "name the collection",
    ),
    ("SELECT A FROM RELATIONSHIPS A JOIN B RELATED A.x", 1, 36, "cannot be combined with JOIN"),
    ("SELECT A FROM RELATIONSHIPS A MATCH (A)-[]-(B)", 1, 31, "cannot be combined with JOIN or MATCH"),
    (
        "SELECT A FROM DIGITALTWINS A JOIN A RELATED A.x WHERE A.$dtId = 'a'",
        1,
        35,
        "`A` names two collections",
    ),
    (
        "SELECT A FROM DIGITALTWINS A JOIN B RELATED C.x WHERE A.$dtId = 'a'",
        1,
        45,
        "no collection `C`; there are: A",
    ),
    ("SELECT A FROM DIGITALTWINS A JOIN B RELATED A WHERE A.$dtId = 'a'", 1, 47, "expected `.`"),
    ("SELECT A FROM DIGITALTWINS A JOIN B WHERE A.$dtId = 'a'", 1, 37, "expected RELATED"),
    ("SELECT A FROM DIGITALTWINS MATCH (A)<-[]->(B) WHERE A.$dtId = 'a'", 1, 42, "an arrow has one head"),
    ("SELECT A FROM DIGITALTWINS MATCH (A)-[r*2]->(B) WHERE A.$dtId = 'a'", 1, 39, "several hops"),
    (
        "SELECT A FROM DIGITALTWINS MATCH (A)-[*3..3]->(B) WHERE A.$dtId = 'a'",
        1,
        40,
        "a is excluded and b included",
    ),
    ("SELECT A FROM DIGITALTWINS MATCH (A)-[*0]->(B) WHERE A.$dtId = 'a'", 1, 40, "no number of hops"),
    ("SELECT A FROM DIGITALTWINS MATCH (A)-[*2..]->(B) WHERE A.$dtId = 'a'", 1, 43, "a whole number"),
    ("SELECT A FROM DIGITALTWINS MATCH (A)-(B) WHERE A.$dtId = 'a'", 1, 38, "expected `[`"),
    ("SELECT A FROM DIGITALTWINS MATCH (A)-[]->(B) MATCH (C) WHERE A.$dtId = 'a'", 1, 46, "one MATCH"),
    ("SELECT A FROM DIGITALTWINS A MATCH (B)-[]->(C) WHERE A.$dtId = 'a'", 1, 30, "does not relate `B`"),
    (
        "SELECT A FROM DIGITALTWINS MATCH (A)-[r]->(B)-[]->(r) WHERE A.$dtId = 'a'",
        1,
        52,
        "`r` is a relationship",
    ),
];

/// Refused where the superset has more to say than Azure.
const REFUSED_OF_THE_SUPERSET: [(&str, u32, &str); 8] = [
    ("SELECT T.a, COUNT() FROM DIGITALTWINS T", 8, "neither aggregated nor in GROUP BY"),
    ("SELECT * FROM DIGITALTWINS T GROUP BY T.a", 39, "a `*` cannot be grouped"),
    ("SELECT T.a FROM DIGITALTWINS T GROUP BY T.a ORDER BY T.b", 54, "`T.b` is neither"),
    ("SELECT SUM() FROM DIGITALTWINS", 12, "expected a name"),
    ("SELECT * FROM DIGITALTWINS AS OF 'yesterday'", 34, "an instant"),
    ("SELECT * FROM DIGITALTWINS AS T", 31, "expected OF"),
    ("SELECT * FROM DIGITALTWINS ORDER T", 34, "expected BY"),
    ("SELECT * FROM DIGITALTWINS MATCH ()-[]->()", 8, "no collection has a name"),
];

fn position(error: &QueryError) -> Option<(u32, u32)> {
    error.position().map(|at| (at.line, at.column))
}

#[test]
fn what_azure_takes_is_taken() {
    for text in TAKEN {
        for dialect in [Dialect::StrictAdt, Dialect::Superset] {
            let query =
                Query::parse(text, dialect).unwrap_or_else(|error| panic!("{dialect:?} {text}\n{error}"));
            assert_eq!((query.text(), query.dialect(), query.as_of()), (text, dialect, None));
        }
    }
}

#[test]
fn the_superset_takes_more_and_the_strict_dialect_says_where() {
    for (text, column) in SUPERSET {
        Query::parse(text, Dialect::Superset).unwrap_or_else(|error| panic!("{text}\n{error}"));
        let error = Query::parse(text, Dialect::StrictAdt).expect_err(text);
        assert_eq!(position(&error), Some((1, column)), "{text}\n{error}");
        assert_eq!(error.azure_code(), "SqlQueryError");
    }
    let past = Query::parse(SUPERSET[7].0, Dialect::Superset).unwrap().as_of();
    assert_eq!(past.map(|at| at.to_string()), Some("2026-11-21T07:00:00Z".to_owned()));
}

#[test]
fn refusals_point_at_what_is_wrong() {
    let mut wrong = Vec::new();
    let mut check = |text: &str, dialect, place: (u32, u32), said: &str| match Query::parse(text, dialect) {
        Err(error) if position(&error) == Some(place) && error.to_string().contains(said) => {}
        other => wrong.push(format!("{dialect:?}: {text}\n  wanted {place:?} {said}\n  got {other:?}")),
    };
    for (text, line, column, said) in REFUSED {
        check(text, Dialect::StrictAdt, (line, column), said);
        check(text, Dialect::Superset, (line, column), said);
    }
    for (text, column, said) in REFUSED_OF_THE_SUPERSET {
        check(text, Dialect::Superset, (1, column), said);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Queries in the document are separated by empty lines.
#[test]
fn the_examples_of_the_document_are_taken() {
    let document = include_str!("../../../../../docs/query.md");
    let blocks = document.split("```sql\n").skip(1).filter_map(|rest| rest.split("```").next());
    let queries: Vec<&str> = blocks.flat_map(|block| block.split("\n\n")).collect();
    assert!(queries.len() >= 5, "{queries:?}");
    for text in queries {
        Query::parse(text, Dialect::Superset).unwrap_or_else(|error| panic!("{text}\n{error}"));
    }
}

#[test]
fn limits_hold_at_their_number_and_not_before() {
    let where_x = |part: String| format!("SELECT * FROM DIGITALTWINS WHERE {part}");
    let logic = |count: usize| where_x(vec!["x = 1"; count + 1].join(" OR "));
    let list = |count: usize| where_x(format!("x IN [{}]", vec!["1"; count].join(",")));
    let long = |count: usize| {
        let text = where_x("x = ''".to_owned());
        text.replace("''", &format!("'{}'", "ä".repeat(count - text.len())))
    };
    for dialect in [Dialect::StrictAdt, Dialect::Superset] {
        let limits = dialect.limits();
        let cases: [(&dyn Fn(usize) -> String, usize); 3] =
            [(&logic, limits.logic), (&list, limits.list), (&long, limits.characters)];
        for (text, limit) in cases {
            let fits = Query::parse(&text(limit), dialect);
            assert!(fits.is_ok(), "{limit}: {fits:?}");
            match Query::parse(&text(limit + 1), dialect) {
                Err(QueryError::Limit { count, limit: told, .. }) => {
                    assert_eq!((count, told), (limit + 1, limit));
                }
                other => panic!("{limit}: {other:?}"),
            }
        }
    }
    let nested = |count: usize| where_x(format!("{}x = 1{}", "(".repeat(count), ")".repeat(count)));
    assert!(Query::parse(&nested(DEPTH_MAX), Dialect::StrictAdt).is_ok());
    assert!(Query::parse(&nested(DEPTH_MAX + 1), Dialect::Superset).is_err());
    assert!(
        Query::parse(&where_x(format!("{} x = 1", "NOT ".repeat(10_000 / 4))), Dialect::Superset).is_err()
    );
}

/// Damage of every kind: no text panics, and every error points into the text.
#[test]
fn any_text_is_read_or_refused() {
    let mut dice = crate::world::Dice::new(7);
    let pieces: Vec<&str> = TAKEN.iter().flat_map(|text| text.split_inclusive(' ')).collect();
    for round in 0..20_000 {
        let mut text = if round % 2 == 0 {
            (0..dice.below(14)).map(|_| *dice.pick(&pieces)).collect::<String>()
        } else {
            (*dice.pick(&TAKEN)).to_owned()
        };
        for _ in 0..dice.below(4) {
            let mut characters: Vec<char> = text.chars().collect();
            let place = dice.below(characters.len() + 1);
            if dice.one_in(2) && place < characters.len() {
                characters.remove(place);
            } else {
                characters.insert(
                    place,
                    *dice.pick(&['(', ']', '\'', '.', '*', '-', '\\', 'ä', '[', '$', '9', '\n']),
                );
            }
            text = characters.into_iter().collect();
        }
        for dialect in [Dialect::StrictAdt, Dialect::Superset] {
            if let Err(error) = Query::parse(&text, dialect) {
                let at = error.position().unwrap_or_else(|| panic!("{text}\n{error}"));
                let line =
                    text.split('\n').nth(at.line as usize - 1).unwrap_or_else(|| panic!("{text}\n{error}"));
                assert!((1..=line.chars().count() as u32 + 1).contains(&at.column), "{text}\n{error}");
            }
        }
    }
}

#[test]
fn what_is_strict_is_part_of_the_superset() {
    let mut dice = crate::world::Dice::new(8);
    for _ in 0..5_000 {
        let text: String = (0..dice.below(3) + 1).map(|_| *dice.pick(&TAKEN)).collect();
        if Query::parse(&text, Dialect::StrictAdt).is_ok() {
            assert!(Query::parse(&text, Dialect::Superset).is_ok(), "{text}");
        }
    }
}
