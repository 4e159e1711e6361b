//! The metamodel of DTDL as tables: classes and their properties by version, contexts and their terms, supplemental
//! types of the language and its extensions, standard elements, limits. The tables themselves are generated from the
//! published digest (`cargo xtask metamodel`); this module gives them their shape and finds things in them.

#[rustfmt::skip]
#[path = "tables.generated.rs"]
mod tables;

pub use tables::Kind;
pub(crate) use tables::{CLASSES, CONTEXTS, CONTROLS, KINDS, MATERIAL_NAMES, STANDARDS, SUPPLEMENTALS};

/// A version of the language.
pub(crate) type Version = u8;

/// The newest version that is known.
pub(crate) const VERSION_NEWEST: Version = 4;

/// A set of versions: bit *n* stands for version *n*.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Versions(pub(crate) u8);

impl Versions {
    pub(crate) fn has(self, version: Version) -> bool {
        version < 8 && self.0 & (1 << version) != 0
    }
}

/// A set of classes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Kinds(pub(crate) u64);

impl Kinds {
    pub(crate) fn has(self, kind: Kind) -> bool {
        self.0 & (1 << kind as u8) != 0
    }

    pub(crate) fn add(&mut self, kind: Kind) {
        self.0 |= 1 << kind as u8;
    }
}

impl Kind {
    /// The class' name in models: `Interface`, `Telemetry` …
    #[must_use]
    pub fn name(self) -> &'static str {
        self.class().name
    }

    /// What the tables say of the class.
    pub(crate) fn class(self) -> &'static Class {
        &CLASSES[self as usize]
    }

    /// Whether elements of this class are `other`, by class or by descent.
    #[must_use]
    pub fn is_a(self, other: Self) -> bool {
        self.class().ancestry.has(other)
    }
}

/// Which set of modelling limits is in force: that of the language, or one that an extension defines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Limit {
    Core,
    Aio,
    Onvif,
}

/// A limit in each set; `u32::MAX` is none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits(pub(crate) [u32; 3]);

impl Limits {
    pub(crate) fn of(self, limit: Limit) -> u32 {
        self.0[limit as usize]
    }
}

/// Patterns of strings. The digest gives them as regular expressions; `pattern.rs` matches them by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pattern {
    /// A letter, then letters, digits and underscores, a letter or digit at the end.
    Name,
    /// A DTMI with a whole version, as version 2 has it.
    DtmiWhole,
    /// A DTMI whose version may be missing or have two parts.
    Dtmi,
    /// Printable characters without those that MQTT reserves.
    GroupId,
    /// Labels and tokens in braces between slashes.
    Topic,
}

/// A class that models instantiate.
#[derive(Debug)]
pub(crate) struct Class {
    pub(crate) name: &'static str,
    /// The class itself and all above it.
    pub(crate) ancestry: Kinds,
    /// Elements of it bound what may be referenced from outside.
    pub(crate) partition: bool,
    /// Versions 2, 3, 4.
    pub(crate) versions: [Option<ClassVersion>; 3],
}

impl Class {
    pub(crate) fn version(&self, version: Version) -> Option<&ClassVersion> {
        self.versions.get(usize::from(version).checked_sub(2)?)?.as_ref()
    }
}

/// What one version of the language says of a class.
#[derive(Debug)]
pub(crate) struct ClassVersion {
    /// The class' DTMI, which `@type` may hold instead of the name.
    pub(crate) uri: &'static str,
    /// Classes of elements that may stand where this class is asked for.
    pub(crate) concrete: Kinds,
    /// Those of them that models may define, and not only reference.
    pub(crate) specializable: Kinds,
    /// Those that an extension's type stands for (units, latent types).
    pub(crate) extensible: Kinds,
    /// The longest `@id` of such an element.
    pub(crate) id_length: Limits,
    pub(crate) properties: &'static [Property],
}

impl ClassVersion {
    /// The property of this name or DTMI.
    pub(crate) fn property(&self, name: &str) -> Option<&'static Property> {
        let by_uri = name.starts_with("dtmi:");
        self.properties
            .iter()
            .find(|property| if by_uri { property.uri == name } else { property.name == name })
    }
}

/// A property of a class in one version.
#[derive(Debug)]
pub(crate) struct Property {
    pub(crate) name: &'static str,
    pub(crate) uri: &'static str,
    pub(crate) required: bool,
    pub(crate) form: Form,
}

/// What values a property takes.
#[derive(Debug)]
pub(crate) enum Form {
    /// One string in several languages.
    LangString {
        language: &'static str,
        length: Limits,
    },
    Text {
        length: Limits,
        pattern: Option<Pattern>,
    },
    Integer {
        min: Option<i32>,
        max: Option<i32>,
    },
    Boolean,
    /// A string, an integer, a decimal or a boolean.
    Literal,
    /// A DTMI that need not lead anywhere.
    Identifier {
        length: Limits,
        pattern: Option<Pattern>,
    },
    Object(Object),
}

/// Values that are elements, nested or referenced.
#[derive(Debug)]
pub(crate) struct Object {
    pub(crate) class: Kind,
    pub(crate) versions: Versions,
    pub(crate) min_count: u32,
    pub(crate) max_count: Option<u32>,
    pub(crate) plural: bool,
    pub(crate) id_required: bool,
    pub(crate) type_required: bool,
    /// The property that gives a nested element its own part of an identifier.
    pub(crate) segment: Option<&'static str>,
    /// Properties of the values that must differ. Names of contents are looked at when these are linked.
    pub(crate) unique: &'static [&'static str],
    /// The only elements that may be referenced, where not all may be.
    pub(crate) values: &'static [&'static str],
}

/// A context that `@context` can name.
#[derive(Debug)]
pub(crate) struct Context {
    /// Its DTMI without the version.
    pub(crate) name: &'static str,
    pub(crate) major: u32,
    /// Terms and their DTMIs, sorted by term.
    pub(crate) terms: &'static [(&'static str, &'static str)],
    /// Prefixes of DTMIs that models may not define.
    pub(crate) reserved: &'static [&'static str],
    /// The version of DTDL whose rules hold for the context's own DTMI, where it may stand before DTDL's context.
    pub(crate) implicit: Option<Version>,
    /// The limits that it sets, and for which version.
    pub(crate) limit: Option<(Version, Limit)>,
}

impl Context {
    pub(crate) fn term(&self, term: &str) -> Option<&'static str> {
        let at = self.terms.binary_search_by(|(known, _)| (*known).cmp(term)).ok()?;
        self.terms.get(at).map(|(_, uri)| *uri)
    }
}

/// The name of the contexts of the language itself.
pub(crate) const DTDL: &str = "dtmi:dtdl:context";

/// All versions of a context, by its name without a version.
pub(crate) fn contexts(name: &str) -> impl Iterator<Item = &'static Context> + use<'_> {
    CONTEXTS.iter().filter(move |context| context.name == name)
}

/// An index into [`SUPPLEMENTALS`].
pub(crate) type SupplementalId = u16;

/// What kind of extension a supplemental type is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extension {
    /// It is added to elements of a class.
    Cotype,
    /// It is a class of its own, that elements have instead of one of the language.
    Class(Kind),
}

/// A type that stands beside an element's class.
#[derive(Debug)]
pub(crate) struct Supplemental {
    pub(crate) id: &'static str,
    /// The term, or the DTMI where no context has a term for it.
    pub(crate) term: &'static str,
    pub(crate) is_abstract: bool,
    pub(crate) extension: Extension,
    pub(crate) parent: Option<SupplementalId>,
    /// Classes that it may stand beside.
    pub(crate) cotypes: Kinds,
    /// Types that it may stand beside, whatever the class.
    pub(crate) alternatives: &'static [SupplementalId],
    pub(crate) versions: Versions,
    /// Types that must stand beside it.
    pub(crate) required: &'static [SupplementalId],
    /// Types that must not.
    pub(crate) disallowed: &'static [SupplementalId],
    pub(crate) properties: &'static [SupplementalProperty],
    pub(crate) constraints: &'static [Constraint],
    pub(crate) parents: &'static [ParentConstraint],
    pub(crate) siblings: &'static [SiblingConstraint],
}

/// The supplemental type of this DTMI.
pub(crate) fn supplemental(id: &str) -> Option<SupplementalId> {
    let at = SUPPLEMENTALS.binary_search_by(|known| known.id.cmp(id)).ok()?;
    u16::try_from(at).ok()
}

/// What the tables say of a supplemental type.
pub(crate) fn supplemental_type(id: SupplementalId) -> &'static Supplemental {
    &SUPPLEMENTALS[usize::from(id)]
}

/// Whether a supplemental type is another one, or descends from it.
pub(crate) fn descends(id: SupplementalId, from: SupplementalId) -> bool {
    id == from || supplemental_type(id).parent.is_some_and(|parent| descends(parent, from))
}

/// A property that a supplemental type brings.
#[derive(Debug)]
pub(crate) struct SupplementalProperty {
    pub(crate) id: &'static str,
    /// The name in models.
    pub(crate) term: &'static str,
    pub(crate) form: SupplementalForm,
    pub(crate) optional: bool,
    pub(crate) min_count: u32,
    /// Siblings must have other values.
    pub(crate) unique: bool,
    /// The element that defines the values, where not any may.
    pub(crate) child_of: Option<&'static str>,
    /// The property of the element whose schema the value must fit.
    pub(crate) instance: Option<&'static str>,
}

/// What values a property of a supplemental type takes.
#[derive(Debug)]
pub(crate) enum SupplementalForm {
    Identifier,
    Text {
        length: Option<u32>,
        pattern: Option<Pattern>,
    },
    Integer {
        min: Option<i32>,
        max: Option<i32>,
    },
    Decimal,
    Duration,
    /// A reference, or a nested element where the type is a class of its own.
    Object(TypeRef),
}

/// A class or a supplemental type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TypeRef {
    Class(Kind),
    Supplemental(SupplementalId),
}

/// What a supplemental type asks of a property of the element's class.
#[derive(Debug)]
pub(crate) struct Constraint {
    pub(crate) property: &'static str,
    /// The value has one of these types.
    pub(crate) types: &'static [TypeRef],
    /// The value is one of these elements.
    pub(crate) values: &'static [&'static str],
    /// The value is where a property of a sibling takes its values from.
    pub(crate) sibling: Option<SiblingParent>,
    /// For messages.
    pub(crate) wanted: &'static str,
}

/// The schema of an override must define the values of what it overrides.
#[derive(Debug)]
pub(crate) struct SiblingParent {
    /// The property that names the sibling.
    pub(crate) keyref: &'static str,
    /// The property that names the sibling's property.
    pub(crate) parent_of: &'static str,
}

/// What a supplemental type asks of the element that contains it.
#[derive(Debug)]
pub(crate) struct ParentConstraint {
    /// The property of the parent by which it contains the element.
    pub(crate) property: &'static str,
    /// One of these types is needed there.
    pub(crate) types: &'static [TypeRef],
    /// No sibling may have this type.
    pub(crate) none_other: Option<SupplementalId>,
    /// Some sibling must have this type.
    pub(crate) some_other: Option<SupplementalId>,
    /// For messages.
    pub(crate) wanted: &'static str,
}

/// What a supplemental type asks of a sibling that the element names.
#[derive(Debug)]
pub(crate) struct SiblingConstraint {
    /// The property that names the sibling.
    pub(crate) keyref: &'static str,
    /// The sibling has one of these types.
    pub(crate) types: &'static [TypeRef],
    pub(crate) disallowed: Option<TypeRef>,
    /// The property whose value is a property that the sibling must have by a supplemental type.
    pub(crate) supplemental: Option<&'static str>,
    /// No two elements refer to the same sibling with the same value of this property.
    pub(crate) unique: Option<&'static str>,
    /// For messages.
    pub(crate) wanted: &'static str,
}

/// A rule about all that descends from an element.
#[derive(Debug)]
pub(crate) struct Control {
    pub(crate) version: Version,
    pub(crate) root: Kind,
    pub(crate) properties: &'static [&'static str],
    /// Only these properties are followed, and not all.
    pub(crate) narrow: bool,
    pub(crate) rule: ControlRule,
    /// An element may lead back to itself.
    pub(crate) allow_self: bool,
}

/// What such a rule bounds.
#[derive(Debug)]
pub(crate) enum ControlRule {
    /// How many of the properties may stand on a path.
    Depth(Limits),
    /// How many may stand on the paths to interfaces that lend their contents.
    Import(Limits),
    /// How many values all of the properties together may have.
    Count(Limits),
    /// What may not be found there.
    Exclude(Kind),
}

/// An element that every model may reference.
#[derive(Debug)]
pub(crate) struct Standard {
    pub(crate) id: &'static str,
    pub(crate) kind: Kind,
    pub(crate) version: Version,
    pub(crate) types: &'static [SupplementalId],
    pub(crate) parent: Option<u16>,
    pub(crate) name: Option<&'static str>,
    pub(crate) literal: Option<&'static str>,
    pub(crate) alias: Option<u16>,
    /// Properties whose values are elements.
    pub(crate) links: &'static [(&'static str, u16)],
}

/// The standard element of this DTMI, aliases resolved.
pub(crate) fn standard(id: &str) -> Option<u16> {
    let at = STANDARDS.binary_search_by(|known| known.id.cmp(id)).ok()?;
    let at = u16::try_from(at).ok()?;
    Some(STANDARDS[usize::from(at)].alias.unwrap_or(at))
}

/// Whether any context reserves the prefix of this DTMI.
pub(crate) fn is_reserved(id: &str) -> bool {
    CONTEXTS.iter().any(|context| context.reserved.iter().any(|prefix| id.starts_with(prefix)))
}

/// Whether a string names a class of the language, by term or DTMI, in any version.
pub(crate) fn is_material(name: &str) -> bool {
    MATERIAL_NAMES.binary_search(&name).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_sorted_for_the_searches_over_them() {
        assert!(SUPPLEMENTALS.is_sorted_by_key(|known| known.id));
        assert!(STANDARDS.is_sorted_by_key(|known| known.id));
        assert!(MATERIAL_NAMES.is_sorted());
        for context in CONTEXTS {
            assert!(context.terms.is_sorted_by_key(|(term, _)| *term), "{}", context.name);
        }
    }

    #[test]
    fn classes_know_what_they_are() {
        assert!(Kind::Map.is_a(Kind::Schema) && !Kind::Map.is_a(Kind::Content));
        assert_eq!(Kind::Interface.name(), "Interface");
        let interface = Kind::Interface.class().version(2).unwrap();
        assert_eq!(interface.id_length.of(Limit::Core), 128);
        let Form::Object(contents) = &interface.property("contents").unwrap().form else { panic!() };
        assert_eq!((contents.max_count, contents.segment), (Some(300), Some("name")));
        assert!(interface.property("dtmi:dtdl:property:extends;2").is_some());
        assert!(Kind::Interface.class().version(5).is_none() && Kind::Interface.class().version(0).is_none());
    }

    #[test]
    fn aliases_lead_to_the_element_itself() {
        for version in 2..=4 {
            let double = standard(&format!("dtmi:dtdl:instance:Schema:double;{version}")).unwrap();
            assert_eq!(STANDARDS[usize::from(double)].id, "dtmi:dtdl:instance:Schema:double;2");
            assert_eq!(STANDARDS[usize::from(double)].kind, Kind::Double);
        }
    }

    #[test]
    fn units_descend_from_their_class() {
        let metre = standard("dtmi:standard:unit:metre;2").unwrap();
        let length = supplemental("dtmi:standard:class:LengthUnit;2").unwrap();
        assert!(STANDARDS[usize::from(metre)].types.iter().any(|id| descends(*id, length)));
        assert_eq!(STANDARDS[usize::from(metre)].kind, Kind::Unit);
    }
}
