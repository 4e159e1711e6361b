//! DTDL JSON to interfaces, before inheritance.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value as Json};
use voltwin_core::{Dtmi, PropertyName, Value};

use crate::schema::{EnumValue, Geometry, Schema};
use crate::{OntologyError, PropertySpec, RelationshipSpec};

/// Complex schemas nest at most this deep (DTDL version 3).
const SCHEMA_DEPTH_MAX: usize = 5;

/// Extensions whose co-types and extra properties may appear; only quantitative types are interpreted.
const EXTENSIONS: [&str; 6] = [
    "dtmi:dtdl:extension:quantitativeTypes;1",
    "dtmi:dtdl:extension:historization;1",
    "dtmi:dtdl:extension:annotation;1",
    "dtmi:dtdl:extension:overriding;1",
    "dtmi:dtdl:extension:mqtt;1",
    "dtmi:iotcentral:context;2",
];

/// One interface as its file has it.
#[derive(Debug)]
pub(crate) struct Interface {
    pub(crate) file: String,
    pub(crate) id: Dtmi,
    pub(crate) version: u8,
    pub(crate) display_name: String,
    pub(crate) description: String,
    pub(crate) extends: Vec<Dtmi>,
    pub(crate) contents: BTreeMap<PropertyName, Content>,
}

/// One entry of `contents`.
#[derive(Debug, Clone)]
pub(crate) enum Content {
    Property(PropertySpec),
    Relationship(RelationshipSpec),
    /// A component, telemetry or command: its name is taken, and the twin graph holds nothing of it.
    Other,
}

/// The interfaces of one file: one object or an array of them.
pub(crate) fn file(file: &str, text: &str) -> Result<Vec<Interface>, OntologyError> {
    let json: Json = serde_json::from_str(text)
        .map_err(|e| OntologyError::Json { file: file.to_owned(), reason: e.to_string() })?;
    let one = |json: &Json| {
        let id = json.get("@id").and_then(Json::as_str).unwrap_or("interface without @id").to_owned();
        Place { file, element: &id }.interface(json)
    };
    match &json {
        Json::Array(items) => items.iter().map(one).collect(),
        json => Ok(vec![one(json)?]),
    }
}

/// Where we are, for error messages.
#[derive(Clone, Copy)]
struct Place<'a> {
    file: &'a str,
    element: &'a str,
}

/// The named schemas of an interface, by id.
type Schemas<'a> = HashMap<&'a str, &'a Json>;

impl Place<'_> {
    fn error(self, rule: impl Into<String>) -> OntologyError {
        OntologyError::Element {
            file: self.file.to_owned(),
            element: self.element.to_owned(),
            rule: rule.into(),
        }
    }

    fn within<T>(self, name: &str, inner: impl FnOnce(Place<'_>) -> T) -> T {
        let element = format!("{}/{name}", self.element);
        inner(Place { file: self.file, element: &element })
    }

    fn identifier<T>(self, parsed: Result<T, voltwin_core::CoreError>) -> Result<T, OntologyError> {
        parsed.map_err(|source| OntologyError::Identifier {
            file: self.file.to_owned(),
            element: self.element.to_owned(),
            source,
        })
    }

    fn object(self, json: &Json) -> Result<&Map<String, Json>, OntologyError> {
        json.as_object().ok_or_else(|| self.error("must be an object"))
    }

    fn text<'j>(self, object: &'j Map<String, Json>, key: &str) -> Result<&'j str, OntologyError> {
        object.get(key).and_then(Json::as_str).ok_or_else(|| self.error(format!("`{key}` must be a text")))
    }

    fn list<'j>(self, object: &'j Map<String, Json>, key: &str) -> Result<&'j [Json], OntologyError> {
        match object.get(key) {
            None => Ok(&[]),
            Some(Json::Array(items)) => Ok(items),
            Some(_) => Err(self.error(format!("`{key}` must be an array"))),
        }
    }

    fn interface(self, json: &Json) -> Result<Interface, OntologyError> {
        let object = self.object(json)?;
        let version = self.context(object)?;
        let id = self.identifier(Dtmi::new(self.text(object, "@id")?))?;
        if !types(object).any(|kind| kind == "Interface") {
            return Err(self.error("`@type` must be Interface"));
        }
        let mut schemas = Schemas::new();
        for schema in self.list(object, "schemas")? {
            let id = schema.get("@id").and_then(Json::as_str);
            schemas.insert(id.ok_or_else(|| self.error("a schema in `schemas` needs an `@id`"))?, schema);
        }
        let mut contents = BTreeMap::new();
        for content in self.list(object, "contents")? {
            let (name, content) = self.content(content, &schemas)?;
            if contents.insert(name.clone(), content).is_some() {
                return Err(OntologyError::DuplicateName {
                    file: self.file.to_owned(),
                    model: id.to_string(),
                    name: name.to_string(),
                    first: id.to_string(),
                });
            }
        }
        let display_name = words(object, "displayName").unwrap_or_else(|| id.short_name().to_owned());
        let description = words(object, "description").unwrap_or_default();
        let extends = self.extends(object)?;
        Ok(Interface {
            file: self.file.to_owned(),
            id,
            version,
            display_name,
            description,
            extends,
            contents,
        })
    }

    /// The version of DTDL that `@context` names.
    fn context(self, object: &Map<String, Json>) -> Result<u8, OntologyError> {
        let error = |context: String| OntologyError::Context {
            file: self.file.to_owned(),
            element: self.element.to_owned(),
            context,
        };
        let contexts = match object.get("@context") {
            Some(Json::Array(items)) => items.as_slice(),
            Some(one) => std::slice::from_ref(one),
            None => &[],
        };
        let Some((first, extensions)) = contexts.split_first() else { return Err(error(String::new())) };
        let version = match first.as_str() {
            Some("dtmi:dtdl:context;2") => 2,
            Some("dtmi:dtdl:context;3") => 3,
            _ => return Err(error(first.to_string())),
        };
        match extensions.iter().find(|e| !e.as_str().is_some_and(|e| EXTENSIONS.contains(&e))) {
            Some(unknown) => Err(error(unknown.to_string())),
            None => Ok(version),
        }
    }

    fn extends(self, object: &Map<String, Json>) -> Result<Vec<Dtmi>, OntologyError> {
        let bases = match object.get("extends") {
            None => &[],
            Some(Json::Array(items)) => items.as_slice(),
            Some(one) => std::slice::from_ref(one),
        };
        let id = |base: &Json| match base {
            Json::String(id) => self.identifier(Dtmi::new(id)),
            _ => Err(self.error("`extends` must be a model id or an array of them")),
        };
        bases.iter().map(id).collect()
    }

    fn content(self, json: &Json, schemas: &Schemas<'_>) -> Result<(PropertyName, Content), OntologyError> {
        let object = self.object(json)?;
        let text = self.text(object, "name")?;
        self.within(text, |place| {
            let name = place.identifier(PropertyName::new(text))?;
            let kinds = ["Property", "Relationship", "Telemetry", "Component", "Command"];
            let mut found = types(object).filter(|kind| kinds.contains(kind));
            let content = match (found.next(), found.next()) {
                (Some("Property"), None) => Content::Property(place.property(object, schemas)?),
                (Some("Relationship"), None) => Content::Relationship(place.relationship(object, schemas)?),
                (Some(_), None) => Content::Other,
                _ => {
                    return Err(place.error(format!("`@type` must hold exactly one of {}", kinds.join(", "))));
                }
            };
            Ok((name, content))
        })
    }

    fn property(
        self,
        object: &Map<String, Json>,
        schemas: &Schemas<'_>,
    ) -> Result<PropertySpec, OntologyError> {
        let schema = object.get("schema").ok_or_else(|| self.error("`schema` is missing"))?;
        let schema = self.schema(schema, schemas, 0)?;
        let semantic_type = types(object).find(|kind| *kind != "Property").map(str::to_owned);
        let unit = words(object, "unit");
        if unit.is_some() && (semantic_type.is_none() || !schema.is_numeric()) {
            return Err(self.error("`unit` needs a quantitative type and a numeric schema"));
        }
        Ok(PropertySpec {
            display_name: words(object, "displayName").unwrap_or_else(|| name(object)),
            description: words(object, "description").unwrap_or_default(),
            schema,
            semantic_type,
            unit,
            writable: object.get("writable").and_then(Json::as_bool).unwrap_or(false),
        })
    }

    fn relationship(
        self,
        object: &Map<String, Json>,
        schemas: &Schemas<'_>,
    ) -> Result<RelationshipSpec, OntologyError> {
        let target = match object.get("target") {
            None => None,
            Some(Json::String(id)) => Some(self.identifier(Dtmi::new(id))?),
            Some(_) => return Err(self.error("`target` must be a model id")),
        };
        let max = match object.get("maxMultiplicity") {
            None => None,
            Some(max) => {
                let max = max.as_u64().and_then(|max| u32::try_from(max).ok()).filter(|max| *max > 0);
                Some(max.ok_or_else(|| self.error("`maxMultiplicity` must be a whole number from 1"))?)
            }
        };
        let mut properties = BTreeMap::new();
        for property in self.list(object, "properties")? {
            match self.content(property, schemas)? {
                (name, Content::Property(spec)) => {
                    if properties.insert(name.clone(), spec).is_some() {
                        return Err(self.error(format!("name `{name}` is used twice")));
                    }
                }
                (name, _) => return Err(self.error(format!("`{name}` must be a Property"))),
            }
        }
        Ok(RelationshipSpec {
            display_name: words(object, "displayName").unwrap_or_else(|| name(object)),
            description: words(object, "description").unwrap_or_default(),
            target,
            max,
            properties,
        })
    }

    fn schema(self, json: &Json, schemas: &Schemas<'_>, depth: usize) -> Result<Schema, OntologyError> {
        let unknown = |schema: String| OntologyError::Schema {
            file: self.file.to_owned(),
            element: self.element.to_owned(),
            schema,
        };
        if depth > SCHEMA_DEPTH_MAX {
            return Err(self.error(format!("schemas nest more than {SCHEMA_DEPTH_MAX} levels deep")));
        }
        let object = match json {
            Json::String(name) => match (primitive(name), schemas.get(name.as_str())) {
                (Some(schema), _) => return Ok(schema),
                // A named schema may name itself; the depth ends that.
                (None, Some(named)) => return self.schema(named, schemas, depth + 1),
                (None, None) => return Err(unknown(name.clone())),
            },
            Json::Object(object) => object,
            other => return Err(unknown(other.to_string())),
        };
        let part = |key: &str| object.get(key).ok_or_else(|| self.error(format!("`{key}` is missing")));
        let kinds = ["Array", "Enum", "Map", "Object"];
        match types(object).find(|kind| kinds.contains(kind)) {
            Some("Array") => {
                Ok(Schema::Array(Box::new(self.schema(part("elementSchema")?, schemas, depth + 1)?)))
            }
            Some("Enum") => self.enumeration(object),
            Some("Map") => {
                let value = self.object(part("mapValue")?)?;
                let value = value.get("schema").ok_or_else(|| self.error("`mapValue` needs a `schema`"))?;
                Ok(Schema::Map(Box::new(self.schema(value, schemas, depth + 1)?)))
            }
            Some("Object") => {
                let mut fields = BTreeMap::new();
                for field in self.list(object, "fields")? {
                    let field = self.object(field)?;
                    let name = self.identifier(PropertyName::new(self.text(field, "name")?))?;
                    let schema = field.get("schema");
                    let schema =
                        schema.ok_or_else(|| self.error(format!("field `{name}` needs a `schema`")))?;
                    if fields.insert(name.clone(), self.schema(schema, schemas, depth + 1)?).is_some() {
                        return Err(self.error(format!("field `{name}` is there twice")));
                    }
                }
                Ok(Schema::Object(fields))
            }
            _ => Err(unknown(json.to_string().chars().take(80).collect())),
        }
    }

    fn enumeration(self, object: &Map<String, Json>) -> Result<Schema, OntologyError> {
        let texts = match object.get("valueSchema").and_then(Json::as_str) {
            Some("string") => true,
            Some("integer") => false,
            _ => return Err(self.error("`valueSchema` of an Enum must be string or integer")),
        };
        let mut values: Vec<EnumValue> = Vec::new();
        for entry in self.list(object, "enumValues")? {
            let entry = self.object(entry)?;
            let name = self.text(entry, "name")?.to_owned();
            let value = match entry.get("enumValue") {
                Some(Json::String(text)) if texts => Value::from(text.as_str()),
                Some(Json::Number(n)) if !texts && n.is_i64() => Value::from(Json::Number(n.clone())),
                _ => return Err(self.error(format!("`enumValue` of `{name}` must be of the `valueSchema`"))),
            };
            if values.iter().any(|other| other.name == name || other.value == value) {
                return Err(self.error(format!("enum value `{name}` is there twice")));
            }
            values.push(EnumValue { name, value });
        }
        Ok(Schema::Enum(values))
    }
}

/// A schema by its DTDL name; geospatial and primitive ones may also be named by id.
fn primitive(name: &str) -> Option<Schema> {
    let short = name.strip_prefix("dtmi:dtdl:instance:Schema:").and_then(|rest| rest.split_once(';'));
    let geo = name.strip_prefix("dtmi:standard:schema:geospatial:").and_then(|rest| rest.split_once(';'));
    Some(match short.or(geo).map_or(name, |(short, _)| short) {
        "boolean" => Schema::Boolean,
        "integer" => Schema::Integer,
        "long" => Schema::Long,
        "float" => Schema::Float,
        "double" => Schema::Double,
        "string" => Schema::String,
        "dateTime" => Schema::DateTime,
        "date" => Schema::Date,
        "time" => Schema::Time,
        "duration" => Schema::Duration,
        "point" => Schema::Geo(Geometry::Point),
        "multiPoint" => Schema::Geo(Geometry::MultiPoint),
        "lineString" => Schema::Geo(Geometry::LineString),
        "multiLineString" => Schema::Geo(Geometry::MultiLineString),
        "polygon" => Schema::Geo(Geometry::Polygon),
        "multiPolygon" => Schema::Geo(Geometry::MultiPolygon),
        _ => return None,
    })
}

fn types(object: &Map<String, Json>) -> impl Iterator<Item = &str> {
    let kinds = match object.get("@type") {
        Some(Json::Array(items)) => items.as_slice(),
        Some(one) => std::slice::from_ref(one),
        None => &[],
    };
    kinds.iter().filter_map(Json::as_str)
}

fn name(object: &Map<String, Json>) -> String {
    words(object, "name").unwrap_or_default()
}

/// A text for people: plain, or a map of languages of which English or else the first is taken.
fn words(object: &Map<String, Json>, key: &str) -> Option<String> {
    let text = match object.get(key)? {
        Json::Object(languages) => languages.get("en").or_else(|| languages.values().next())?.as_str()?,
        text => text.as_str()?,
    };
    Some(text.to_owned())
}
