//! Cookies: those that come, and those that are set (RFC 6265).

use std::fmt;

/// The names and values of a Cookie field. What lacks an equals sign is passed over.
pub(crate) fn pairs(field: &str) -> impl Iterator<Item = (&str, &str)> {
    field.split(';').filter_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        let value = value.trim();
        // Quotes around a value are no part of it.
        let bare = value.strip_prefix('"').and_then(|v| v.strip_suffix('"')).unwrap_or(value);
        Some((name.trim(), bare))
    })
}

/// A cookie to set, for [`Response::with_cookie`](crate::Response::with_cookie). Name and value go out as they are: what
/// RFC 6265 section 4.1.1 does not allow in them (white space, quotes, commas, semicolons, backslashes) is left out.
///
/// ```
/// use sluice::{SameSite, SetCookie};
///
/// let cookie = SetCookie::new("id", "42").path("/").max_age(3600).http_only().secure().same_site(SameSite::Lax);
/// assert_eq!(cookie.to_string(), "id=42; Path=/; Max-Age=3600; HttpOnly; Secure; SameSite=Lax");
/// ```
#[derive(Clone, Debug)]
pub struct SetCookie(String);

impl SetCookie {
    /// A cookie that lasts until the browser closes, for this host and the folder of this path.
    pub fn new(name: &str, value: &str) -> Self {
        let mut cookie = String::with_capacity(name.len() + value.len() + 64);
        cookie.extend(name.chars().filter(|c| is_cookie_octet(*c) && *c != '='));
        cookie.push('=');
        cookie.extend(value.chars().filter(|c| is_cookie_octet(*c)));
        SetCookie(cookie)
    }

    /// Has the browser forget a cookie. Path and domain must be those with which it was set.
    pub fn removed(name: &str) -> Self {
        SetCookie::new(name, "").max_age(0)
    }

    /// Sends it to paths that begin like this one.
    pub fn path(self, path: &str) -> Self {
        self.attribute("Path", path)
    }

    /// Sends it to this host and to all below it.
    pub fn domain(self, domain: &str) -> Self {
        self.attribute("Domain", domain)
    }

    /// How long it lasts, in seconds; 0 ends it.
    pub fn max_age(self, seconds: u64) -> Self {
        self.attribute("Max-Age", &seconds.to_string())
    }

    /// Keeps it from scripts.
    pub fn http_only(self) -> Self {
        self.flag("HttpOnly")
    }

    /// Keeps it from connections without TLS.
    pub fn secure(self) -> Self {
        self.flag("Secure")
    }

    /// Which requests from other sites have it.
    pub fn same_site(self, same_site: SameSite) -> Self {
        self.attribute("SameSite", same_site.name())
    }

    fn attribute(mut self, name: &str, value: &str) -> Self {
        self.0.push_str("; ");
        self.0.push_str(name);
        self.0.push('=');
        self.0.extend(value.chars().filter(|c| *c != ';' && !c.is_control()));
        self
    }

    fn flag(mut self, name: &str) -> Self {
        self.0.push_str("; ");
        self.0.push_str(name);
        self
    }
}

impl fmt::Display for SetCookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<SetCookie> for String {
    fn from(cookie: SetCookie) -> String {
        cookie.0
    }
}

/// Which requests from other sites have a cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SameSite {
    /// None.
    Strict,
    /// Those that follow a link.
    Lax,
    /// All; such a cookie must be [`secure`](SetCookie::secure).
    None,
}

impl SameSite {
    fn name(self) -> &'static str {
        match self {
            SameSite::Strict => "Strict",
            SameSite::Lax => "Lax",
            SameSite::None => "None",
        }
    }
}

/// Whether a character may be in a cookie's value: cookie-octet of RFC 6265 section 4.1.1.
fn is_cookie_octet(c: char) -> bool {
    c.is_ascii_graphic() && !matches!(c, '"' | ',' | ';' | '\\')
}
