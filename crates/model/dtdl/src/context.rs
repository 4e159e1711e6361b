//! `@context`: which version of the language, which extensions and which limits hold for an element, and what terms
//! mean there.

use std::borrow::Cow;

use crate::{
    Options, Rule, UndefinedExtensions,
    metamodel::{self, Context, DTDL, Limit, Version},
    node::ContextItem,
    pattern::{is_dtmi, is_name, is_version},
    sink::{Sink, Stop},
};

/// What holds for an element and for those inside it that have no context of their own.
#[derive(Clone, Debug)]
pub(crate) struct Active {
    pub(crate) version: Version,
    pub(crate) limit: Limit,
    dtdl: &'static Context,
    affiliates: Vec<&'static Context>,
    /// Some extension is not known, so that types and properties may be its own.
    pub(crate) incomplete: bool,
}

impl Active {
    /// Whether keywords of JSON-LD that DTDL does not use are refused.
    pub(crate) fn restricts_keywords(&self) -> bool {
        self.version >= 3
    }

    /// Whether a DTMI may be referenced in this version, and is short enough.
    pub(crate) fn takes_dtmi(&self, id: &str) -> bool {
        valid_reference(id, self.version, self.limit)
    }

    /// The DTMI that a string stands for: itself, or what the active contexts define the term as.
    pub(crate) fn dtmi<'t>(&self, text: &'t str) -> Option<Cow<'t, str>> {
        if text.starts_with("dtmi:") {
            return self.takes_dtmi(text).then_some(Cow::Borrowed(text));
        }
        self.term(text).map(Cow::Borrowed)
    }

    /// The same for a string of a text, which is borrowed on.
    pub(crate) fn name_of<'a>(&self, text: &Cow<'a, str>) -> Option<Cow<'a, str>> {
        if text.starts_with("dtmi:") {
            return self.takes_dtmi(text).then(|| text.clone());
        }
        self.term(text).map(Cow::Borrowed)
    }

    /// What the active contexts define a term as.
    pub(crate) fn term(&self, term: &str) -> Option<&'static str> {
        self.dtdl.term(term).or_else(|| self.affiliates.iter().find_map(|context| context.term(term)))
    }

    /// The reserved prefix that a model may not define this identifier with.
    pub(crate) fn reserved(&self, id: &str) -> Option<&'static str> {
        let all = self.affiliates.iter().flat_map(|context| context.reserved);
        self.dtdl.reserved.iter().chain(all).find(|prefix| id.starts_with(**prefix)).copied()
    }
}

/// The longest DTMI of a reference.
fn reference_length(limit: Limit) -> usize {
    match limit {
        Limit::Core => 2048,
        Limit::Aio | Limit::Onvif => 512,
    }
}

fn valid_reference(id: &str, version: Version, limit: Limit) -> bool {
    id.len() <= reference_length(limit) && is_dtmi(id, version == 2)
}

/// The parts of a DTMI that may have a fragment, as contexts do.
struct Specifier<'t> {
    name: &'t str,
    major: u32,
    minor: u32,
    fragment: Option<&'t str>,
    fragmentless: &'t str,
}

impl<'t> Specifier<'t> {
    fn parse(text: &'t str) -> Option<Self> {
        let (fragmentless, fragment) = match text.split_once('#') {
            Some((before, fragment)) => (before, Some(fragment)),
            None => (text, None),
        };
        let (path, version) = match fragmentless.split_once(';') {
            Some((path, version)) => (path, Some(version)),
            None => (fragmentless, None),
        };
        let segment = |part: &str| is_name(part.trim_start_matches('_'));
        if !path.strip_prefix("dtmi:")?.split(':').all(segment)
            || !fragment.is_none_or(|fragment| fragment.is_empty() || segment(fragment))
        {
            return None;
        }
        let number =
            |part: &str, digits| is_version(part, digits).then(|| part.parse::<u32>().ok()).flatten();
        let (major, minor) = match version {
            None => (0, 0),
            Some(version) => match version.split_once('.') {
                Some((major, minor)) => (number(major, 9)?, number(minor, 6)?),
                None => (number(version, 9)?, 0),
            },
        };
        Some(Self { name: path, major, minor, fragment, fragmentless })
    }
}

/// Reads one `@context`.
pub(crate) struct Contexts<'o> {
    options: &'o Options,
}

impl<'o> Contexts<'o> {
    pub(crate) fn new(options: &'o Options) -> Self {
        Self { options }
    }

    /// What holds for an element with this `@context`, inside of what held around it.
    pub(crate) fn derive(
        &self,
        outer: Option<&Active>,
        items: &[ContextItem<'_>],
        sink: &mut Sink<'_>,
    ) -> Result<Active, Stop> {
        let mut rest = items;
        let mut preface = Vec::new();
        while let [ContextItem::Remote(first), after @ ..] = rest {
            let Some(version) = implicit(first) else { break };
            let deny = self.options.undefined_extensions != UndefinedExtensions::Allow;
            preface.extend(self.affiliate(first, version, !deny, sink)?);
            rest = after;
        }
        let mut found = outer.map(|active| (active.dtdl, active.version, active.limit));
        while let [ContextItem::Remote(first), after @ ..] = rest {
            if !is_dtdl(first) {
                break;
            }
            let (context, version, limits) = self.language(first, sink)?;
            rest = after;
            let mut limit = Limit::Core;
            if !limits {
                limit = self.limit_after(rest, first, version, sink)?;
                rest = rest.get(1..).unwrap_or_default();
            }
            found = Some((context, version, limit));
        }
        let Some((dtdl, version, limit)) = found else {
            return sink.quit(Rule::MissingDtdlContext, "begin @context with dtmi:dtdl:context;2, ;3 or ;4");
        };
        if let [.., ContextItem::Local] = rest {
            return sink.quit(Rule::DisallowedLocalContext, "remove the object from @context");
        }
        let allow = match self.options.undefined_extensions {
            UndefinedExtensions::Allow => true,
            UndefinedExtensions::Deny => false,
            UndefinedExtensions::ByVersion => version == 2,
        };
        let mut affiliates = outer.map(|active| active.affiliates.clone()).unwrap_or_default();
        let mut incomplete = outer.is_some_and(|active| active.incomplete);
        preface.into_iter().for_each(|context| put(&mut affiliates, context));
        for item in rest {
            let ContextItem::Remote(specifier) = item else {
                return sink.quit(Rule::LocalContextNotLast, "remove the object from @context");
            };
            match self.affiliate(specifier, version, allow, sink)? {
                Some(context) => put(&mut affiliates, context),
                None => incomplete = true,
            }
        }
        Ok(Active { version, limit, dtdl, affiliates, incomplete })
    }

    /// A context of the language itself, and whether it brings its limits along.
    fn language(&self, text: &str, sink: &mut Sink<'_>) -> Result<(&'static Context, Version, bool), Stop> {
        let Some(specifier) = Specifier::parse(text) else {
            return sink.quit(Rule::InvalidContextSpecifier, format!("`{text}` is no DTMI"));
        };
        if !matches!(specifier.fragment, None | Some("limits" | "limitless")) {
            return sink
                .quit(Rule::InvalidContextFragment, format!("`{text}`: take #limits, #limitless or none"));
        }
        if specifier.fragment.is_some() && specifier.major != 4 {
            return sink
                .quit(Rule::DisallowedContextFragment, format!("`{text}`: only version 4 has fragments"));
        }
        if specifier.major == 0 {
            return sink.quit(Rule::MissingContextVersion, format!("`{text}` needs a version such as ;4"));
        }
        if specifier.fragment == Some("limits") {
            let detail = format!("`{text}` must follow dtmi:dtdl:context;4#limitless");
            return sink.quit(Rule::MisplacedLimitContext, detail);
        }
        let known = metamodel::contexts(DTDL).find(|known| known.major == specifier.major);
        let Some(context) = known else {
            return sink.quit(Rule::UnrecognizedContextVersion, format!("`{text}`: versions are 2, 3 and 4"));
        };
        let version = Version::try_from(context.major).unwrap_or(metamodel::VERSION_NEWEST);
        if version > self.options.version_max {
            let detail = format!("`{text}`: {} is the newest accepted", self.options.version_max);
            return sink.quit(Rule::DisallowedContextVersion, detail);
        }
        if !valid_reference(specifier.fragmentless, version, Limit::Core) {
            let detail = format!("`{text}` is no DTMI of version {version}");
            return sink.quit(Rule::InvalidContextSpecifierForVersion, detail);
        }
        Ok((context, version, specifier.fragment != Some("limitless")))
    }

    /// The limits that must stand right after a context without limits.
    fn limit_after(
        &self,
        rest: &[ContextItem<'_>],
        limitless: &str,
        version: Version,
        sink: &mut Sink<'_>,
    ) -> Result<Limit, Stop> {
        let missing =
            format!("put dtmi:dtdl:context;{version}#limits or limits of an extension after `{limitless}`");
        let Some(ContextItem::Remote(text)) = rest.first() else {
            return sink.quit(Rule::MissingLimitContext, missing);
        };
        if !text.starts_with("dtmi:") {
            return sink.quit(Rule::NonDtmiContextSpecifier, format!("`{text}` is no DTMI"));
        }
        let Some(specifier) = Specifier::parse(text) else {
            return sink.quit(Rule::InvalidContextSpecifier, format!("`{text}` is no DTMI"));
        };
        if specifier.major == 0 {
            return sink.quit(Rule::MissingContextVersion, format!("`{text}` needs a version"));
        }
        if !valid_reference(specifier.fragmentless, version, Limit::Core) {
            let detail = format!("`{text}` is no DTMI of version {version}");
            return sink.quit(Rule::InvalidContextSpecifierForVersion, detail);
        }
        if is_dtdl(text) {
            if !matches!(specifier.fragment, None | Some("limits" | "limitless")) {
                return sink.quit(Rule::InvalidContextFragment, format!("`{text}`: take #limits or none"));
            }
            if specifier.fragment != Some("limitless") && specifier.major == u32::from(version) {
                return Ok(Limit::Core);
            }
        } else if specifier.fragment.is_some() {
            return sink.quit(Rule::InvalidContextSpecifier, format!("`{text}` must have no fragment"));
        } else if let Some((of, limit)) = extension(&specifier).and_then(|context| context.limit)
            && of == version
        {
            if self.accepts(&specifier) {
                return Ok(limit);
            }
            return sink
                .quit(Rule::DisallowedLimitContext, format!("`{text}` is not among the accepted limits"));
        }
        sink.quit(Rule::MissingLimitContext, missing)
    }

    fn accepts(&self, specifier: &Specifier<'_>) -> bool {
        let Some(accepted) = &self.options.limit_contexts else { return true };
        accepted.iter().filter_map(|text| Specifier::parse(text)).any(|known| {
            known.name == specifier.name
                && (known.major == 0 || (known.major == specifier.major && known.minor <= specifier.minor))
        })
    }

    /// The context of an extension; `None` where it is not known and need not be.
    fn affiliate(
        &self,
        text: &str,
        version: Version,
        allow: bool,
        sink: &mut Sink<'_>,
    ) -> Result<Option<&'static Context>, Stop> {
        if is_dtdl(text) {
            let detail = format!("move `{text}` before the contexts of extensions");
            return sink.quit(Rule::DtdlContextFollowsAffiliate, detail);
        }
        if !text.starts_with("dtmi:") {
            return sink.quit(Rule::NonDtmiContextSpecifier, format!("`{text}` is no DTMI"));
        }
        let Some(specifier) = Specifier::parse(text).filter(|_| !text.contains('#')) else {
            return sink
                .quit(Rule::InvalidContextSpecifier, format!("`{text}` is no DTMI without a fragment"));
        };
        if !valid_reference(text, version, Limit::Core) {
            let detail = format!("`{text}` is no DTMI of version {version}");
            return sink.quit(Rule::InvalidContextSpecifierForVersion, detail);
        }
        if specifier.major == 0 {
            return sink.quit(Rule::MissingContextVersion, format!("`{text}` needs a version such as ;1"));
        }
        let Some(context) = extension(&specifier) else {
            if allow {
                return Ok(None);
            }
            let known: Vec<String> =
                metamodel::contexts(specifier.name).map(|context| context.major.to_string()).collect();
            if known.is_empty() {
                let detail =
                    format!("nothing is known of `{text}`; remove it, or allow undefined extensions");
                return sink.quit(Rule::UnresolvableContextSpecifier, detail);
            }
            let detail = format!("`{text}`: known versions are {}", known.join(", "));
            return sink.quit(Rule::UnresolvableContextVersion, detail);
        };
        if context.limit.is_some() {
            let detail = format!("`{text}` must follow dtmi:dtdl:context;4#limitless");
            return sink.quit(Rule::MisplacedLimitContext, detail);
        }
        Ok(Some(context))
    }
}

fn is_dtdl(text: &str) -> bool {
    text.strip_prefix(DTDL).is_some_and(|rest| rest.starts_with(';'))
}

/// The known context of this major version: minor versions add nothing that is known.
fn extension(specifier: &Specifier<'_>) -> Option<&'static Context> {
    metamodel::contexts(specifier.name).find(|known| known.major == specifier.major)
}

/// The version of DTDL that a context implies, so that it may stand before that of DTDL.
fn implicit(text: &str) -> Option<Version> {
    let specifier = Specifier::parse(text).filter(|specifier| specifier.minor == 0)?;
    extension(&specifier)?.implicit
}

fn put(affiliates: &mut Vec<&'static Context>, context: &'static Context) {
    match affiliates.iter_mut().find(|known| known.name == context.name) {
        Some(known) => *known = context,
        None => affiliates.push(context),
    }
}
