//! GeoJSON geometries (RFC 7946 section 3.1).

use serde_json::Value as Json;

use crate::Geometry;

type Check = fn(&Json) -> Result<(), String>;

/// Checks type, nesting, number of positions and the ranges of longitude and latitude.
pub(crate) fn check(geometry: Geometry, json: &Json) -> Result<(), String> {
    let (kind, check): (&str, Check) = match geometry {
        Geometry::Point => ("Point", position),
        Geometry::MultiPoint => ("MultiPoint", |c| each(c, 1, position)),
        Geometry::LineString => ("LineString", line),
        Geometry::MultiLineString => ("MultiLineString", |c| each(c, 1, line)),
        Geometry::Polygon => ("Polygon", polygon),
        Geometry::MultiPolygon => ("MultiPolygon", |c| each(c, 1, polygon)),
    };
    if json.get("type").and_then(Json::as_str) != Some(kind) {
        return Err(format!("expected a geojson object of type `{kind}`"));
    }
    check(json.get("coordinates").unwrap_or(&Json::Null))
}

fn each(json: &Json, least: usize, check: impl Fn(&Json) -> Result<(), String>) -> Result<(), String> {
    let items = json.as_array().ok_or("coordinates must be nested arrays")?;
    if items.len() < least {
        return Err(format!("coordinates hold {} items, at least {least} are needed", items.len()));
    }
    items.iter().try_for_each(check)
}

fn position(json: &Json) -> Result<(), String> {
    let numbers = json.as_array().ok_or("a position must be an array")?;
    let number = |index: usize| numbers.get(index).and_then(Json::as_f64).filter(|x| x.is_finite());
    match (numbers.len(), number(0), number(1)) {
        (2 | 3, Some(lon), Some(lat)) if lon.abs() <= 180.0 && lat.abs() <= 90.0 => Ok(()),
        (2 | 3, Some(lon), Some(lat)) => {
            Err(format!("position [{lon}, {lat}] is outside ±180 degrees of longitude and ±90 of latitude"))
        }
        _ => Err("a position must be [longitude, latitude] in degrees".into()),
    }
}

fn line(json: &Json) -> Result<(), String> {
    each(json, 2, position)
}

fn polygon(json: &Json) -> Result<(), String> {
    each(json, 1, |ring| {
        each(ring, 4, position)?;
        let ends = ring.as_array().map(|positions| (positions.first(), positions.last()));
        match ends {
            Some((first, last)) if first == last => Ok(()),
            _ => Err("a ring must end where it begins".into()),
        }
    })
}
