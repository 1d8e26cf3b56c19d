//! A client of `GET /api/v1/events` that reads as the events come.

use std::io::{BufRead, BufReader};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};

use serde_json::Value;

use super::{PATIENCE, Service};

/// One event, as the standard has a client read it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Event {
    /// What the client would send as `Last-Event-ID`.
    pub(crate) id: String,
    pub(crate) event: String,
    pub(crate) data: Value,
}

/// An open stream; closed when dropped.
pub(crate) struct Stream {
    pub(crate) status: u16,
    headers: ureq::http::HeaderMap,
    /// Or why it broke off.
    events: Receiver<Result<Event, String>>,
}

impl Stream {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("ASCII"))
    }

    /// The next event.
    pub(crate) fn next(&self) -> Event {
        self.events.recv_timeout(PATIENCE).expect("an event").expect("a whole stream")
    }

    /// The next `n` events, which all are commits; their ids.
    pub(crate) fn next_commits(&self, n: usize) -> Vec<String> {
        (0..n)
            .map(|_| self.next())
            .inspect(|event| assert_eq!(event.event, "commit", "{event:?}"))
            .map(|event| event.id)
            .collect()
    }

    /// Asserts that the stream ends, without another event.
    pub(crate) fn assert_over(&self) {
        assert_eq!(self.events.recv_timeout(PATIENCE), Err(RecvTimeoutError::Disconnected));
    }
}

impl Service<'_> {
    /// Opens a stream of events.
    pub(crate) fn events(&self, query: &str, headers: &[(&str, &str)]) -> Stream {
        let mut request = ureq::get(format!("{}/api/v1/events{query}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, body) = request.call().expect("a stream").into_parts();
        let (sender, events) = channel();
        std::thread::spawn(move || {
            let mut event = Event::default();
            for line in BufReader::new(body.into_reader()).lines() {
                let line = match line {
                    Ok(line) => line,
                    Err(error) => return drop(sender.send(Err(error.to_string()))),
                };
                let (name, value) = line.split_once(": ").unwrap_or((&line, ""));
                match name {
                    "id" => event.id = value.to_owned(),
                    "event" => event.event = value.to_owned(),
                    "data" => event.data = serde_json::from_str(value).expect("JSON"),
                    "retry" => assert!(value.parse::<u32>().is_ok()),
                    "" if !event.event.is_empty() => {
                        let id = event.id.clone();
                        if sender.send(Ok(std::mem::take(&mut event))).is_err() {
                            return;
                        }
                        event.id = id;
                    }
                    "" => {}
                    other => panic!("what is `{other}`?"),
                }
            }
        });
        Stream { status: parts.status.as_u16(), headers: parts.headers, events }
    }
}
