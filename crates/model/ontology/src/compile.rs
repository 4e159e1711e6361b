//! DTDL elements to flat models.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde_json::Value as Json;
use voltwin_core::{CoreError, Dtmi, PropertyName, Value};
use voltwin_dtdl::{Element, Kind};

use crate::model::words;
use crate::schema::{EnumValue, Geometry, Schema};
use crate::{Model, OntologyError, PropertySpec, RelationshipSpec};

/// Properties, relationships, components and telemetry that one kind of twin has at most, with all that it inherits.
const CONTENTS_MAX: usize = 20_000;
/// The same of all models of a tenant: what many inherit is there many times.
pub(crate) const CONTENTS_IN_ALL_MAX: usize = 1_000_000;
/// Schemas nest at most this deep. DTDL's own limits are lower, except where a schema of version 4 contains itself.
const SCHEMA_DEPTH_MAX: usize = 24;

/// What stands once in a model and is shared by all that inherit it.
#[derive(Default)]
pub(crate) struct Compiler<'m> {
    properties: HashMap<&'m str, Arc<PropertySpec>>,
    relationships: HashMap<&'m str, Arc<RelationshipSpec>>,
}

impl<'m> Compiler<'m> {
    /// For interfaces that do not come to more contents than there is room for.
    pub(crate) fn for_all(mut interfaces: impl Iterator<Item = Element<'m>>) -> Result<Self, OntologyError> {
        let mut contents = 0;
        let too_many = interfaces.find(|interface| {
            let own = interface.values("contents");
            let of_component = |of: Element<'_>| of.values("contents").count();
            contents += own
                .map(|content| match content.kind() {
                    Kind::Component => 1 + content.schema().map_or(0, of_component),
                    _ => 1,
                })
                .sum::<usize>();
            contents > CONTENTS_IN_ALL_MAX
        });
        match too_many {
            Some(interface) => {
                let rule = format!("with it, there are {contents} contents, more than {CONTENTS_IN_ALL_MAX}");
                Err(unsupported(interface, rule))
            }
            None => Ok(Self::default()),
        }
    }

    /// One interface with all that it inherits, as if it were built in.
    pub(crate) fn interface(
        &mut self,
        interface: Element<'m>,
        document: Arc<str>,
    ) -> Result<Model, OntologyError> {
        let own = interface.values("contents").filter(|content| content.kind() == Kind::Component);
        let named = interface.values("extends").chain(own.filter_map(Element::schema));
        let mut references = named.map(id_of).collect::<Result<Vec<Dtmi>, _>>()?;
        references.sort_unstable();
        references.dedup();
        let mut model = Model {
            id: id_of(interface)?,
            display_names: by_language(interface.display_name()),
            descriptions: by_language(interface.description()),
            bases: bases(interface)?,
            references,
            properties: BTreeMap::new(),
            relationships: BTreeMap::new(),
            components: BTreeMap::new(),
            telemetry: BTreeMap::new(),
            document,
            uploaded: None,
            decommissioned: false,
            deleted: false,
            kept: Vec::new(),
        };
        self.contents(interface, None, &mut model)?;
        let count = model.contents();
        if count > CONTENTS_MAX {
            let rule =
                format!("{count} contents, with those of bases and components, are more than {CONTENTS_MAX}");
            return Err(unsupported(interface, rule));
        }
        Ok(model)
    }

    /// The contents of an interface: of the model itself, or of one of its components. DTDL nests components once.
    fn contents(
        &mut self,
        interface: Element<'m>,
        component: Option<&PropertyName>,
        model: &mut Model,
    ) -> Result<(), OntologyError> {
        for content in interface.values("contents") {
            let plain = name_of(content)?;
            let name = component.map_or_else(|| plain.clone(), |component| plain.within(component));
            match (content.kind(), content.schema()) {
                (Kind::Property, Some(_)) => drop(model.properties.insert(name, self.property(content)?)),
                (Kind::Telemetry, Some(of)) => drop(model.telemetry.insert(name, schema(of, 0)?)),
                (Kind::Relationship, _) if component.is_none() => {
                    model.relationships.insert(name, self.relationship(content)?);
                }
                (Kind::Component, Some(of)) if component.is_none() => {
                    self.contents(of, Some(&name), model)?;
                    model.components.insert(name, id_of(of)?);
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn property(&mut self, content: Element<'m>) -> Result<Arc<PropertySpec>, OntologyError> {
        if let Some(known) = self.properties.get(content.id()) {
            return Ok(known.clone());
        }
        let of = content.schema().ok_or_else(|| unsupported(content, "there is no schema"))?;
        let semantic_type = content.types().find(|id| is_quantitative(id)).map(last_segment);
        let spec = Arc::new(PropertySpec {
            display_name: display_name(content),
            description: description(content),
            schema: schema(of, 0)?,
            semantic_type: semantic_type.map(str::to_owned),
            unit: content.unit().map(|unit| last_segment(unit.id()).to_owned()),
            writable: content.writable(),
        });
        self.properties.insert(content.id(), spec.clone());
        Ok(spec)
    }

    fn relationship(&mut self, content: Element<'m>) -> Result<Arc<RelationshipSpec>, OntologyError> {
        if let Some(known) = self.relationships.get(content.id()) {
            return Ok(known.clone());
        }
        let mut properties = BTreeMap::new();
        for property in content.values("properties") {
            properties.insert(name_of(property)?, self.property(property)?);
        }
        let spec = Arc::new(RelationshipSpec {
            display_name: display_name(content),
            description: description(content),
            target: content.target().map(|id| identifier(content, Dtmi::new(id))).transpose()?,
            max: content.multiplicity_max(),
            properties,
        });
        self.relationships.insert(content.id(), spec.clone());
        Ok(spec)
    }
}

/// Everything that an interface extends, breadth first, each once. The parser has refused circles.
fn bases(interface: Element<'_>) -> Result<Vec<Dtmi>, OntologyError> {
    let mut found: Vec<Element<'_>> = Vec::new();
    let mut looked = 0;
    let mut next = Some(interface);
    while let Some(extending) = next {
        for base in extending.values("extends") {
            if !found.iter().any(|other| other.id() == base.id()) {
                found.push(base);
            }
        }
        next = found.get(looked).copied();
        looked += 1;
    }
    found.into_iter().map(id_of).collect()
}

fn schema(element: Element<'_>, depth: usize) -> Result<Schema, OntologyError> {
    if depth > SCHEMA_DEPTH_MAX {
        let rule = format!(
            "schemas that contain themselves, or nest more than {SCHEMA_DEPTH_MAX} deep, have no place"
        );
        return Err(unsupported(element, rule));
    }
    if let Some(geometry) = geometry(element.id()) {
        return Ok(Schema::Geo(geometry));
    }
    let part = |property: &str| {
        let part = element.values(property).next();
        part.ok_or_else(|| unsupported(element, format!("there is no `{property}`")))
    };
    Ok(match element.kind() {
        Kind::Boolean => Schema::Boolean,
        Kind::Float => Schema::Float,
        Kind::Double => Schema::Double,
        Kind::String => Schema::String,
        Kind::DateTime => Schema::DateTime,
        kind @ (Kind::Date | Kind::Time | Kind::Duration | Kind::Decimal | Kind::Uuid | Kind::Bytes) => {
            Schema::Form(kind)
        }
        Kind::Array => Schema::Array(Box::new(schema(part("elementSchema")?, depth + 1)?)),
        Kind::Map => {
            let value = part("mapValue")?;
            let of = value.schema().ok_or_else(|| unsupported(value, "there is no schema"))?;
            Schema::Map(Box::new(schema(of, depth + 1)?))
        }
        Kind::Object => {
            let mut fields = BTreeMap::new();
            for field in element.values("fields") {
                let of = field.schema().ok_or_else(|| unsupported(field, "there is no schema"))?;
                fields.insert(name_of(field)?, schema(of, depth + 1)?);
            }
            Schema::Object(fields)
        }
        Kind::Enum => enumeration(element)?,
        kind => match Schema::whole(kind) {
            Some(whole) => whole,
            None => return Err(unsupported(element, format!("`{}` is no schema of a value", kind.name()))),
        },
    })
}

fn enumeration(element: Element<'_>) -> Result<Schema, OntologyError> {
    let mut values = Vec::new();
    for entry in element.values("enumValues") {
        let value = match entry.literal() {
            Some(Json::String(text)) => Value::from(text),
            Some(Json::Number(number)) if number.is_i64() => Value::from(Json::Number(number)),
            _ => return Err(unsupported(entry, "values of an enumeration must be texts or integers")),
        };
        values.push(EnumValue { name: entry.name().unwrap_or_default().to_owned(), value });
    }
    Ok(Schema::Enum(values))
}

fn geometry(id: &str) -> Option<Geometry> {
    let name = id.strip_prefix("dtmi:standard:schema:geospatial:")?.split_once(';')?.0;
    Some(match name {
        "point" => Geometry::Point,
        "multiPoint" => Geometry::MultiPoint,
        "lineString" => Geometry::LineString,
        "multiLineString" => Geometry::MultiLineString,
        "polygon" => Geometry::Polygon,
        "multiPolygon" => Geometry::MultiPolygon,
        _ => return None,
    })
}

fn is_quantitative(id: &str) -> bool {
    id.starts_with("dtmi:dtdl:extension:quantitativeTypes:") || id.starts_with("dtmi:standard:class:")
}

/// `watt` of `dtmi:standard:unit:watt;2`.
fn last_segment(id: &str) -> &str {
    let path = id.split_once(';').map_or(id, |(path, _)| path);
    path.rsplit(':').next().unwrap_or(path)
}

fn display_name(element: Element<'_>) -> String {
    let names = by_language(element.display_name());
    words(&names).or(element.name()).unwrap_or_default().to_owned()
}

fn description(element: Element<'_>) -> String {
    words(&by_language(element.description())).unwrap_or_default().to_owned()
}

fn by_language<'m>(words: impl Iterator<Item = (&'m str, &'m str)>) -> BTreeMap<String, String> {
    words.map(|(language, text)| (language.to_owned(), text.to_owned())).collect()
}

fn id_of(element: Element<'_>) -> Result<Dtmi, OntologyError> {
    identifier(element, Dtmi::new(element.id()))
}

fn name_of(element: Element<'_>) -> Result<PropertyName, OntologyError> {
    identifier(element, PropertyName::new(element.name().unwrap_or_default()))
}

fn identifier<T>(element: Element<'_>, parsed: Result<T, CoreError>) -> Result<T, OntologyError> {
    parsed.map_err(|source| OntologyError::Identifier { element: element.id().to_owned(), source })
}

fn unsupported(element: Element<'_>, rule: impl Into<String>) -> OntologyError {
    OntologyError::Unsupported { element: element.id().to_owned(), rule: rule.into() }
}
