//! Properties that supplemental types bring.

use crate::{
    Rule,
    graph::{Element, Literal, Supplement, SupplementValue},
    identity::identifier,
    literal::{self, Site},
    metamodel::{
        Extension, Kind, SupplementalForm, SupplementalId, SupplementalProperty, TypeRef, supplemental_type,
    },
    node::{Form, Member},
    parse::{Demand, Owner, Parser, Reference, Wanted},
    sink::Stop,
};

impl<'a> Parser<'a, '_> {
    /// Reads a member as a property of a supplemental type; false where no type of the element knows it.
    pub(crate) fn supplemental(
        &mut self,
        owner: &Owner<'_>,
        member: &Member<'a>,
        brought: &mut Vec<&'static str>,
        element: &mut Element<'a>,
    ) -> Result<bool, Stop> {
        let Some(id) = owner.active.dtmi(&member.name) else { return Ok(false) };
        let types = owner.types.all.iter().chain(&owner.types.beside);
        let Some(property) = types.copied().find_map(|of| property_of(of, &id)) else { return Ok(false) };
        if brought.contains(&property.id) {
            let detail = format!("keep one `{}`", property.term);
            self.breach(Rule::DuplicatePropertyName, owner.element, Some(property.term), detail);
            return Ok(true);
        }
        brought.push(property.id);
        if let SupplementalForm::Object(of) = &property.form {
            self.supplemental_objects(owner, property, *of, member)?;
        } else if let Some(value) = self.supplemental_literal(owner, property, member) {
            element.supplements.push(Supplement { property: property.id, value, span: member.span });
        }
        Ok(true)
    }

    fn supplemental_literal(
        &mut self,
        owner: &Owner<'_>,
        property: &SupplementalProperty,
        member: &Member<'a>,
    ) -> Option<SupplementValue<'a>> {
        let restricts_keywords = owner.active.restricts_keywords();
        let site =
            Site { element: self.graph.id(owner.element), property: property.term, restricts_keywords };
        let sink = &mut self.sink;
        let optional = property.optional;
        let found = match &property.form {
            SupplementalForm::Identifier => {
                let found = identifier(owner.active, site, member, optional, false, sink)?;
                return Some(SupplementValue::Identifier(found));
            }
            SupplementalForm::Text { length, pattern } => {
                let found = literal::one(&literal::TEXT, site, member, optional, sink)?;
                if let Literal::Text(text) = &found {
                    literal::check_text(site, text, length.unwrap_or(u32::MAX), *pattern, sink);
                }
                found
            }
            SupplementalForm::Integer { min, max } => {
                let found = literal::one(&literal::INTEGER, site, member, optional, sink)?;
                if let Literal::Integer(value) = found {
                    let bound = |bound: Option<i32>| bound.map(f64::from);
                    literal::check_range(site, f64::from(value), bound(*min), bound(*max), sink);
                }
                found
            }
            SupplementalForm::Decimal => literal::one(&literal::DECIMAL, site, member, optional, sink)?,
            SupplementalForm::Duration => {
                let found = literal::one(&literal::DURATION, site, member, optional, sink)?;
                if let Literal::Text(text) = &found {
                    literal::check_duration(site, text, sink);
                }
                found
            }
            SupplementalForm::Object(_) => return None,
        };
        Some(SupplementValue::Literal(found))
    }

    fn supplemental_objects(
        &mut self,
        owner: &Owner<'_>,
        property: &'static SupplementalProperty,
        of: TypeRef,
        member: &Member<'a>,
    ) -> Result<(), Stop> {
        let mut count = 0;
        for value in &member.values {
            if count > 0 {
                self.breach(Rule::ObjectMultipleValues, owner.element, Some(property.term), "keep one value");
                return Ok(());
            }
            match &value.form {
                Form::Text(text) => {
                    let Some(to) = self.reference_to(owner, property.term, text) else { continue };
                    self.references.push(Reference {
                        from: owner.element,
                        property: property.id,
                        to,
                        written: Some(text.clone()),
                        expected: None,
                        versions: None,
                        child_of: property.child_of,
                        place: (self.text_index(), value.span),
                    });
                    let wanted = Wanted::Type(of);
                    self.demands.push(Demand { from: owner.element, property: property.id, to, wanted });
                    count += 1;
                }
                Form::Node(_) => {
                    let Some(class) = extension_class(of) else {
                        let detail = "give a DTMI or a term";
                        self.breach(Rule::RefObjectNotAllowed, owner.element, Some(property.term), detail);
                        continue;
                    };
                    if let Some(to) = self.supplemental_element(owner, property.id, class, value)? {
                        self.references.push(Reference {
                            from: owner.element,
                            property: property.id,
                            to,
                            written: None,
                            expected: None,
                            versions: None,
                            child_of: None,
                            place: (self.text_index(), value.span),
                        });
                        count += 1;
                    }
                }
                _ => {
                    let detail = "give a DTMI or a term";
                    self.breach(Rule::RefNotStringOrObject, owner.element, Some(property.term), detail);
                }
            }
        }
        if count < property.min_count {
            let detail = format!("{count} values, at least {}", property.min_count);
            self.breach(Rule::ObjectCountBelowMin, owner.element, Some(property.term), detail);
        }
        Ok(())
    }

    /// What supplemental types require must be there; nothing more can be read where it is not.
    pub(crate) fn require_supplements(
        &mut self,
        owner: &Owner<'_>,
        brought: &[&'static str],
    ) -> Result<(), Stop> {
        for id in &owner.types.beside {
            let entry = supplemental_type(*id);
            for property in entry.properties.iter().filter(|property| !property.optional) {
                if brought.contains(&property.id) {
                    continue;
                }
                let rule = match property.form {
                    SupplementalForm::Identifier => Rule::MissingSupplementalIdentifierProperty,
                    SupplementalForm::Object(_) => Rule::MissingSupplementalObjectProperty,
                    _ => Rule::MissingSupplementalLiteralProperty,
                };
                let detail = format!("add `{}`, which `{}` requires", property.term, entry.term);
                self.breach(rule, owner.element, Some(property.term), detail);
                return Err(Stop);
            }
        }
        Ok(())
    }
}

/// The property of this DTMI that a type, or one above it, brings.
pub(crate) fn property_of(of: SupplementalId, id: &str) -> Option<&'static SupplementalProperty> {
    let entry = supplemental_type(of);
    let own = entry.properties.iter().find(|property| property.id == id);
    own.or_else(|| entry.parent.and_then(|parent| property_of(parent, id)))
}

/// The class that nested elements of a supplemental property have, and the type that they have without `@type`.
fn extension_class(of: TypeRef) -> Option<(Kind, &'static str)> {
    let TypeRef::Supplemental(id) = of else { return None };
    let entry = supplemental_type(id);
    match entry.extension {
        Extension::Class(kind) => Some((kind, entry.id)),
        Extension::Cotype => None,
    }
}
