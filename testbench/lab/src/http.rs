//! The small HTTP server of a host: `GET /` is answered with the host's number.
//!
//! Enough of HTTP/1.1 for curl and for the lab's clients: one request at a time on a connection, no bodies, kept open
//! unless the client says `Connection: close`.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

/// A request's head is at most so long; whoever sends more is cut off.
const HEAD_LIMIT: u64 = 8192;
/// A connection without a word for so long is closed.
const IDLE: Duration = Duration::from_secs(120);

/// Serves as host `host` on `port` of every address, until the process ends.
pub fn serve(host: u8, port: u16) -> io::Result<()> {
    serve_on(&TcpListener::bind(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, port))?, host)
}

fn serve_on(listener: &TcpListener, host: u8) -> io::Result<()> {
    loop {
        match listener.accept() {
            Ok((stream, _)) => {
                // A connection that cannot have a thread is closed; its client sees that.
                let _ = thread::Builder::new().spawn(move || {
                    let _ = converse(&stream, host);
                });
            }
            // The client has gone between its handshake and our accept.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => return Err(error),
        }
    }
}

fn converse(stream: &TcpStream, host: u8) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(IDLE))?;
    let mut reader = BufReader::new(stream);
    while let Some(request) = read_head(&mut reader)? {
        let (status, body) = match request.path.as_str() {
            "/" => ("200 OK", format!("host {host}\n")),
            _ => ("404 Not Found", "only / is here\n".to_string()),
        };
        let connection = if request.close { "close" } else { "keep-alive" };
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\nConnection: {connection}\r\n\r\n{body}"
        );
        (&mut &*stream).write_all(answer.as_bytes())?;
        if request.close {
            break;
        }
    }
    Ok(())
}

struct Request {
    path: String,
    close: bool,
}

/// `None` when the client has closed between two requests.
fn read_head(reader: &mut impl BufRead) -> io::Result<Option<Request>> {
    let mut head = reader.take(HEAD_LIMIT);
    let mut line = String::new();
    if head.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let path = line.split(' ').nth(1).unwrap_or_default().to_string();
    let mut close = line.trim_end().ends_with("HTTP/1.0");
    loop {
        line.clear();
        if head.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let field = line.trim_end().to_ascii_lowercase();
        if field.is_empty() {
            return Ok(Some(Request { path, close }));
        }
        if let Some(value) = field.strip_prefix("connection:") {
            close = value.trim() == "close";
        }
    }
}

/// Asks for `/` on an open connection and returns the number of the host that answered.
pub fn ask(stream: &mut TcpStream, keep: bool) -> io::Result<u8> {
    let connection = if keep { "keep-alive" } else { "close" };
    let request = format!("GET / HTTP/1.1\r\nHost: weir\r\nConnection: {connection}\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::with_capacity(256);
    let mut chunk = [0; 512];
    loop {
        if let Some(host) = host_in(&answer)? {
            return Ok(host);
        }
        match stream.read(&mut chunk)? {
            0 => return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "closed before it was answered")),
            length => answer.extend_from_slice(&chunk[..length]),
        }
    }
}

/// The host in a whole answer, `None` while it is not whole.
fn host_in(answer: &[u8]) -> io::Result<Option<u8>> {
    let wrong = || {
        let text = String::from_utf8_lossy(answer);
        io::Error::new(io::ErrorKind::InvalidData, format!("answered {:?}", text.lines().next().unwrap_or_default()))
    };
    let Some(end) = answer.windows(4).position(|window| window == b"\r\n\r\n") else { return Ok(None) };
    let (head, body) = (&answer[..end], &answer[end + 4..]);
    if !head.starts_with(b"HTTP/1.1 200 ") {
        return Err(wrong());
    }
    if !body.ends_with(b"\n") {
        return Ok(None);
    }
    let text = std::str::from_utf8(body).map_err(|_| wrong())?;
    text.trim_end().strip_prefix("host ").and_then(|host| host.parse().ok()).map(Some).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(host: u8) -> std::net::SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("bound");
        thread::spawn(move || serve_on(&listener, host));
        address
    }

    #[test]
    fn a_kept_connection_is_answered_again_and_again() {
        let mut stream = TcpStream::connect(server(7)).expect("listening");
        for _ in 0..3 {
            assert_eq!(ask(&mut stream, true).expect("an answer"), 7);
        }
        assert_eq!(ask(&mut stream, false).expect("an answer"), 7);
        assert!(ask(&mut stream, false).is_err(), "closed after Connection: close");
    }

    #[test]
    fn another_path_is_not_found() {
        let mut stream = TcpStream::connect(server(1)).expect("listening");
        stream.write_all(b"GET /x HTTP/1.1\r\nConnection: close\r\n\r\n").expect("sent");
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("an answer");
        assert!(text.starts_with("HTTP/1.1 404 "), "{text}");
    }

    #[test]
    fn an_answer_counts_only_when_it_is_whole_and_good() {
        assert_eq!(host_in(b"HTTP/1.1 200 OK\r\n").expect("so far good"), None);
        assert_eq!(host_in(b"HTTP/1.1 200 OK\r\n\r\nhost 1").expect("so far good"), None);
        assert_eq!(host_in(b"HTTP/1.1 200 OK\r\n\r\nhost 12\n").expect("good"), Some(12));
        assert!(host_in(b"HTTP/1.1 404 Not Found\r\n\r\n").is_err());
        assert!(host_in(b"HTTP/1.1 200 OK\r\n\r\nguest 1\n").is_err());
    }
}
