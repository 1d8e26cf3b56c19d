//! The problem answers that calls can give, described once for all of them.

use std::collections::BTreeMap;

use utoipa::IntoResponses;
use utoipa::openapi::response::Response;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, ResponseBuilder};

/// Names a set of problem answers once, for all calls that can give them.
macro_rules! problems {
    ($($(#[$doc:meta])* $name:ident { $($status:literal: $description:literal,)* })*) => {$(
        $(#[$doc])*
        pub(super) struct $name;

        impl IntoResponses for $name {
            fn responses() -> BTreeMap<String, RefOr<Response>> {
                BTreeMap::from([$(($status.into(), problem($description)),)*])
            }
        }
    )*};
}

problems! {
    /// Of any call.
    HostProblem {
        "421": "Wrong host",
    }
    /// Of a call on what was, with a query.
    HistoryProblems {
        "400": "The query cannot be read",
        "404": "No such report, or not yet then",
        "421": "Wrong host",
        "422": "Invalid parameter, all faults named",
        "503": "The history cannot be read now",
    }
    /// Of a call that reads one report.
    ReadProblems {
        "404": "No such report",
        "421": "Wrong host",
        "503": "The report cannot be read now",
    }
    /// Of a call with a JSON body.
    BodyProblems {
        "400": "Not valid JSON",
        "408": "The body did not arrive in time",
        "413": "The request is too large",
        "415": "Not `application/json`",
        "421": "Wrong host",
        "422": "Invalid input, all faults named",
    }
    /// Of a call that commits.
    WriteProblems {
        "409": "In conflict with the report as it is",
        "503": "Writes are not possible now",
        "507": "The disk is full",
    }
    /// Of a decision.
    DecisionProblems {
        "403": "The policy has somebody else decide",
    }
    /// Of a write to a report that exists.
    VersionProblems {
        "404": "No such report",
        "412": "The report was changed meanwhile",
    }
}

fn problem(description: &str) -> RefOr<Response> {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    ResponseBuilder::new().description(description).content("application/problem+json", content).build().into()
}
