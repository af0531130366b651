//! Secrets that are handed out: only their hash is kept; and short signed claims that carry their own end.

use std::time::Duration;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;

use super::MasterKey;
use crate::clock::Time;
use crate::error::{Error, Result};
use crate::id;

/// What the database keeps of a secret. The secrets have 160 random bits (`id::secret`), so that one fast hash suffices.
pub fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret).into()
}

/// Compares in constant time.
pub fn matches(secret: &str, kept: &[u8]) -> bool {
    hash(secret).ct_eq(kept).into()
}

/// What a signed token is for. A token made for one use is refused in every other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Use {
    /// The header's `typ`, such as `at+jwt`.
    pub typ: &'static str,
    /// The claim `aud`.
    pub audience: &'static str,
}

/// Issues and checks JWTs, all by one algorithm (HS256) and one key that comes from the master key.
#[derive(Clone)]
pub struct Signer {
    issuer: String,
    key_id: String,
    sign: EncodingKey,
    /// By key id: while the master key is changed, what the other one signed holds until its end.
    check: Vec<(String, DecodingKey)>,
}

#[derive(Serialize, Deserialize)]
struct Claims<T> {
    iss: String,
    aud: String,
    iat: i64,
    nbf: i64,
    exp: i64,
    #[serde(flatten)]
    own: T,
}

impl Signer {
    /// `issuer` is the installation's name; every node with the same master key issues and takes the same tokens.
    pub fn new(master: &MasterKey, issuer: impl Into<String>) -> Signer {
        let names = master.derive_any("jwt key id 1").into_iter();
        let names = names.map(|name| id::to_letters(&Sha256::digest(name.as_bytes())[..5]));
        let keys = master.derive_any("jwt hs256 1").into_iter();
        let check = names.zip(keys).map(|(name, key)| (name, DecodingKey::from_secret(key.as_bytes()))).collect();
        Signer {
            issuer: issuer.into(),
            key_id: id::to_letters(&Sha256::digest(master.derive("jwt key id 1").as_slice())[..5]),
            sign: EncodingKey::from_secret(&*master.derive("jwt hs256 1")),
            check,
        }
    }

    /// `own` are the claims beside iss, aud, iat, nbf and exp; its type must be a struct or map.
    pub fn issue<T: Serialize>(&self, purpose: Use, now: Time, lives: Duration, own: &T) -> Result<String> {
        let seconds = now.0.div_euclid(1000);
        let header = Header {
            typ: Some(purpose.typ.to_owned()),
            kid: Some(self.key_id.clone()),
            ..Header::new(Algorithm::HS256)
        };
        let claims = Claims {
            iss: self.issuer.clone(),
            aud: purpose.audience.to_owned(),
            iat: seconds,
            nbf: seconds,
            exp: seconds.saturating_add_unsigned(lives.as_secs()),
            own,
        };
        jsonwebtoken::encode(&header, &claims, &self.sign).map_err(Error::internal)
    }

    /// Gives the claims of a token that is ours, for this use, and valid at `now`; else [`Error::unauthorized`].
    pub fn verify<T: DeserializeOwned + Clone>(&self, purpose: Use, now: Time, token: &str) -> Result<T> {
        let refused = |_| Error::unauthorized();
        let name = jsonwebtoken::decode_header(token).map_err(refused)?.kid;
        let known = self.check.iter().find(|(known, _)| name.as_deref() == Some(known.as_str()));
        let (_, key) = known.ok_or_else(Error::unauthorized)?;
        let data = jsonwebtoken::decode::<Claims<T>>(token, key, &self.validation(purpose)).map_err(refused)?;
        let seconds = now.0.div_euclid(1000);
        let timely = data.claims.nbf <= seconds.saturating_add(LEEWAY) && seconds < data.claims.exp;
        let ours = data.header.typ.as_deref() == Some(purpose.typ);
        if timely && ours { Ok(data.claims.own) } else { Err(Error::unauthorized()) }
    }

    /// The library asks the machine's clock, so that the two times are checked in [`Signer::verify`] instead.
    fn validation(&self, purpose: Use) -> Validation {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_audience(&[purpose.audience]);
        validation.set_issuer(&[&self.issuer]);
        validation.set_required_spec_claims(&["exp", "nbf", "aud", "iss"]);
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation
    }
}

/// Two nodes' clocks may differ by so many seconds before a token of one seems to come from the future to the other.
const LEEWAY: i64 = 30;

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signer({}, {})", self.issuer, self.key_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;

    const ACCESS: Use = Use { typ: "at+jwt", audience: "api" };
    const NOW: Time = Time(1_800_000_000_500);
    const QUARTER: Duration = Duration::from_secs(900);

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Own {
        session: String,
    }

    fn own() -> Own {
        Own { session: "ses_1".into() }
    }

    fn signer() -> Signer {
        Signer::new(&MasterKey::generate(), "lumbung")
    }

    #[test]
    fn a_token_gives_its_claims_until_it_ends() {
        let signer = signer();
        let token = signer.issue(ACCESS, NOW, QUARTER, &own()).expect("signs");
        let at = |seconds| signer.verify::<Own>(ACCESS, NOW.plus(Duration::from_secs(seconds)), &token);
        assert_eq!(at(0).expect("fresh"), own());
        assert_eq!(at(899).expect("last second"), own());
        assert!(at(900).is_err());
    }

    #[test]
    fn a_token_from_the_future_is_refused() {
        let signer = signer();
        let token = signer.issue(ACCESS, NOW.plus(QUARTER), QUARTER, &own()).expect("signs");
        assert!(signer.verify::<Own>(ACCESS, NOW, &token).is_err());
    }

    #[test]
    fn a_token_of_another_use_issuer_or_key_is_refused() {
        let master = MasterKey::generate();
        let signer = Signer::new(&master, "lumbung");
        let token = signer.issue(ACCESS, NOW, QUARTER, &own()).expect("signs");
        for other in [Use { typ: "grant+jwt", ..ACCESS }, Use { audience: "link", ..ACCESS }] {
            assert!(signer.verify::<Own>(other, NOW, &token).is_err(), "{other:?}");
        }
        assert!(Signer::new(&master, "another").verify::<Own>(ACCESS, NOW, &token).is_err());
        assert!(Signer::new(&MasterKey::generate(), "lumbung").verify::<Own>(ACCESS, NOW, &token).is_err());
        assert!(Signer::new(&master, "lumbung").verify::<Own>(ACCESS, NOW, &token).is_ok());
    }

    #[test]
    fn unsigned_foreign_algorithms_and_altered_claims_are_refused() {
        let signer = signer();
        let token = signer.issue(ACCESS, NOW, QUARTER, &own()).expect("signs");
        let [_, claims, signature] = token.split('.').collect::<Vec<_>>()[..] else { panic!("three parts") };
        for algorithm in ["none", "HS512", "RS256"] {
            let header = format!(r#"{{"typ":"at+jwt","alg":"{algorithm}","kid":"{}"}}"#, signer.key_id);
            let header = BASE64_URL_SAFE_NO_PAD.encode(header);
            for signature in ["", signature] {
                let forged = format!("{header}.{claims}.{signature}");
                assert!(signer.verify::<Own>(ACCESS, NOW, &forged).is_err(), "{algorithm}");
            }
        }
        let header = token.split('.').next().expect("header");
        let richer =
            BASE64_URL_SAFE_NO_PAD.encode(r#"{"iss":"lumbung","aud":"api","nbf":0,"exp":9999999999,"session":"x"}"#);
        assert!(signer.verify::<Own>(ACCESS, NOW, &format!("{header}.{richer}.{signature}")).is_err());
        for garbage in ["", ".", "..", "a.b.c", &"x".repeat(100_000)] {
            assert!(signer.verify::<Own>(ACCESS, NOW, garbage).is_err());
        }
    }

    #[test]
    fn a_secret_matches_its_hash_only() {
        let secret = id::secret();
        assert!(matches(&secret, &hash(&secret)));
        assert!(!matches(&id::secret(), &hash(&secret)));
        assert!(!matches(&secret, &hash(&secret)[..31]));
    }
}
