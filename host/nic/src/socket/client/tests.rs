//! The client against servers that answer badly.

use std::sync::mpsc;
use std::thread;

use proptest::prelude::*;

use super::*;

/// For a server that will not answer.
const SHORT: Duration = Duration::from_millis(60);
/// For one that will, however busy the machine is.
const LONG: Duration = Duration::from_secs(30);

/// One reply with a body.
fn reply(id: u16, command: u16, flags: u32, errno: u32, body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend(id.to_le_bytes());
    bytes.extend(command.to_le_bytes());
    bytes.extend(((HEADER + body.len()) as u32).to_le_bytes());
    bytes.extend(flags.to_le_bytes());
    bytes.extend(errno.to_le_bytes());
    bytes.extend(body);
    bytes
}

/// What a good server answers to the greeting and the three questions behind it.
fn greetings() -> Vec<Vec<u8>> {
    let mut device = [0; message::DEVICE_INFO];
    device[4..8].copy_from_slice(&message::INFO_PCI.to_le_bytes());
    let region = |size: u64| {
        let mut info = [0; message::REGION_INFO];
        info[16..24].copy_from_slice(&size.to_le_bytes());
        info
    };
    vec![
        reply(1, 1, 1, 0, b"\0\0\x01\0{}\0"),
        reply(2, 4, 1, 0, &device),
        reply(3, 5, 1, 0, &region(0x40000)),
        reply(4, 5, 1, 0, &region(256)),
    ]
}

/// A server that gives one of `replies` to each message, then listens without answering until the client is gone.
fn serve(replies: Vec<Vec<u8>>) -> (UnixStream, thread::JoinHandle<Vec<u8>>) {
    let (client, mut server) = UnixStream::pair().expect("a pair");
    let thread = thread::spawn(move || {
        let mut rest = Vec::new();
        for reply in replies {
            let mut header = [0; HEADER];
            if server.read_exact(&mut header).is_err() {
                return rest;
            }
            let mut body = vec![0; message::u32_at(&header, 4) as usize - HEADER];
            if server.read_exact(&mut body).is_err() || server.write_all(&reply).is_err() {
                return rest;
            }
        }
        let _until_it_is_gone = server.read_to_end(&mut rest);
        rest
    });
    (client, thread)
}

/// A client that was greeted well and then gets `replies`.
fn greeted(replies: Vec<Vec<u8>>) -> (Client, thread::JoinHandle<Vec<u8>>) {
    let (stream, server) = serve([greetings(), replies].concat());
    (Client::greet(stream, LONG).expect("a good greeting"), server)
}

/// The client, which from now on waits shortly.
fn hurried(mut client: Client) -> Client {
    client.stream.set_read_timeout(Some(SHORT)).expect("a time-out");
    client.patience = SHORT;
    client
}

fn word(id: u16, offset: u32, value: u32) -> Vec<u8> {
    let body = [message::access(Region::Bar0, offset).as_slice(), &value.to_le_bytes()].concat();
    reply(id, 9, 1, 0, &body)
}

#[test]
fn a_good_server_is_understood() {
    let (mut client, server) = greeted(vec![word(5, 8, 0x1234_5678)]);
    assert_eq!((client.size_of(Region::Bar0), client.size_of(Region::Config)), (0x40000, 256));
    assert_eq!(client.read32(Region::Bar0, 8).expect("an answer"), 0x1234_5678);
    drop(client);
    assert_eq!(server.join().expect("no panic"), Vec::<u8>::new());
}

#[test]
fn a_refusal_is_an_answer_and_the_conversation_goes_on() {
    let (mut client, _server) = greeted(vec![reply(5, 9, 0x21, 22, &[]), word(6, 0, 7)]);
    let error = client.read32(Region::Bar0, 0).expect_err("refused");
    assert!(matches!(error, SocketError::Refused { command: "REGION_READ", errno: 22 }), "{error}");
    assert_eq!(client.read32(Region::Bar0, 0).expect("an answer"), 7);
}

#[test]
fn an_answer_that_does_not_fit_its_question_poisons() {
    let access = message::access(Region::Bar0, 0);
    let whole = [access.as_slice(), &[0; 4]].concat();
    for (field, bad) in [
        ("message id", reply(9, 9, 1, 0, &whole)),
        ("command", reply(5, 10, 1, 0, &whole)),
        ("type", reply(5, 9, 0, 0, &whole)),
        ("size", reply(5, 9, 1, 0, &access)),
        ("size", reply(5, 9, 1, 0, &[])),
        ("size", reply(5, 9, 1, 0, &[0; 5000])),
        ("size of an error", reply(5, 9, 0x21, 0, &whole)),
        ("offset", word(5, 4, 1)),
    ] {
        let (mut client, _server) = greeted(vec![bad, word(6, 0, 7)]);
        let error = client.read32(Region::Bar0, 0).expect_err("malformed");
        assert!(matches!(&error, SocketError::Malformed { field: f, .. } if *f == field), "{error}");
        assert!(matches!(client.read32(Region::Bar0, 0), Err(SocketError::Poisoned)));
        assert!(matches!(client.post(Region::Bar0, 0, &[1]), Err(SocketError::Poisoned)));
        assert!(matches!(client.reset(), Err(SocketError::Poisoned)));
    }
}

#[test]
fn silence_ends_in_time_and_a_late_answer_is_not_taken_for_the_next() {
    let (client, _server) = greeted(vec![]);
    let mut client = hurried(client);
    let began = Instant::now();
    assert!(matches!(client.read32(Region::Bar0, 0), Err(SocketError::TimedOut)));
    assert!(began.elapsed() < Duration::from_secs(2));
    assert!(matches!(client.read32(Region::Bar0, 0), Err(SocketError::Poisoned)));
}

#[test]
fn a_server_that_talks_to_another_is_told_from_one_that_falls_silent() {
    let (stream, _server) = UnixStream::pair().expect("a pair");
    let error = Client::greet(stream, Duration::from_millis(50)).err().expect("nobody answers");
    assert!(matches!(error, SocketError::NotServed), "{error}");
    assert!(
        error.to_string().contains("a device serves one host at a time") && error.to_string().contains("weir display")
    );
}

#[test]
fn an_answer_that_trickles_ends_in_time() {
    let (stream, mut server) = UnixStream::pair().expect("a pair");
    let (done, is_done) = mpsc::channel::<()>();
    let trickle = thread::spawn(move || {
        for reply in greetings() {
            let mut header = [0; HEADER];
            server.read_exact(&mut header).expect("a question");
            let mut body = vec![0; message::u32_at(&header, 4) as usize - HEADER];
            server.read_exact(&mut body).expect("its rest");
            server.write_all(&reply).expect("an answer");
        }
        for byte in word(5, 0, 1) {
            if is_done.recv_timeout(SHORT / 3) != Err(mpsc::RecvTimeoutError::Timeout)
                || server.write_all(&[byte]).is_err()
            {
                return;
            }
        }
    });
    let mut client = hurried(Client::greet(stream, LONG).expect("a good greeting"));
    let began = Instant::now();
    // Each byte comes soon enough, all of them too late: a client that began its wait anew with each would have an answer.
    assert!(matches!(client.read32(Region::Bar0, 0), Err(SocketError::TimedOut)));
    assert!(began.elapsed() < SHORT * 4);
    drop(done);
    trickle.join().expect("no panic");
}

#[test]
fn a_server_that_goes_is_closed_not_silent() {
    let (stream, server) = UnixStream::pair().expect("a pair");
    drop(server);
    assert!(matches!(Client::greet(stream, SHORT), Err(SocketError::Closed)));
}

#[test]
fn a_foreign_version_and_a_device_that_is_not_pci_are_refused() {
    let (stream, _server) = serve(vec![reply(1, 1, 1, 0, b"\x01\0\0\0{}\0")]);
    let error = Client::greet(stream, LONG).err().expect("refused");
    assert!(matches!(error, SocketError::Malformed { field: "major version", found: 1, .. }), "{error}");
    let (stream, _server) = serve(vec![greetings()[0].clone(), reply(2, 4, 1, 0, &[0; message::DEVICE_INFO])]);
    let error = Client::greet(stream, LONG).err().expect("refused");
    assert!(matches!(error, SocketError::Malformed { command: "DEVICE_GET_INFO", field: "flags", .. }), "{error}");
}

#[test]
fn a_block_is_one_posted_message_a_word() {
    let (mut client, server) = greeted(vec![]);
    let words: Vec<u32> = (0..1000).collect();
    client.post(Region::Bar0, 0x20000, &words).expect("room");
    drop(client);
    let bytes = server.join().expect("no panic");
    let mut expected = Vec::new();
    for (index, word) in (0u16..).zip(&words) {
        message::push_posted(&mut expected, 5 + index, Region::Bar0, 0x20000 + 4 * u32::from(index), *word);
    }
    assert_eq!(bytes, expected);
}

#[test]
fn a_vector_is_connected_with_one_descriptor_beside_its_message() {
    use std::io::IoSliceMut;

    use nix::cmsg_space;
    use nix::sys::socket::{ControlMessageOwned, recvmsg};
    use vmm_sys_util::eventfd::EventFd;

    let (mut client, mut server) = UnixStream::pair()
        .map(|(stream, server)| {
            (
                Client {
                    stream,
                    next_id: 6,
                    poisoned: false,
                    patience: LONG,
                    out: vec![],
                    sizes: [(Region::Bar0, 0); 2],
                },
                server,
            )
        })
        .expect("a pair");
    let event = EventFd::new(0).expect("an event file");
    server.write_all(&reply(7, 8, 1, 0, &[])).expect("an answer in advance");
    // SAFETY: `event` keeps its descriptor open beyond the call.
    client.connect_vector(2, unsafe { BorrowedFd::borrow_raw(event.as_raw_fd()) }).expect("an answer");

    let mut bytes = [0; 64];
    let mut buffers = [IoSliceMut::new(&mut bytes)];
    let mut space = cmsg_space!([i32; 4]);
    let socket = server.as_raw_fd();
    let got = recvmsg::<UnixAddr>(socket, &mut buffers, Some(&mut space), MsgFlags::empty()).expect("a message");
    let files: Vec<i32> = got
        .cmsgs()
        .expect("all of them")
        .flat_map(|beside| match beside {
            ControlMessageOwned::ScmRights(files) => files,
            other => panic!("{other:?}"),
        })
        .collect();
    let length = got.bytes;
    assert_eq!(files.len(), 1);
    let mut expected = Vec::new();
    message::push(&mut expected, 7, Command::SetIrqs, &[&message::connect_irq(2)]);
    assert_eq!(bytes[..length], expected);
}

#[test]
fn vectors_are_counted_and_a_refusal_to_connect_is_told() {
    let mut info = message::irq_info();
    info[12] = 4;
    let replies = vec![reply(5, 7, 1, 0, &info), reply(6, 8, 0x21, 22, &[]), reply(7, 7, 1, 0, &info[..8])];
    let (mut client, _server) = greeted(replies);
    assert_eq!(client.vectors().expect("an answer"), 4);
    let error = client.disable_vectors().expect_err("refused");
    assert!(matches!(error, SocketError::Refused { command: "DEVICE_SET_IRQS", errno: 22 }), "{error}");
    let error = client.vectors().expect_err("too short");
    assert!(matches!(error, SocketError::Malformed { command: "DEVICE_GET_IRQ_INFO", field: "size", .. }), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_bytes_for_an_answer_end_in_an_answer_or_an_error(
        place in 0usize..6, bytes in proptest::collection::vec(any::<u8>(), 0..80), flip in any::<(usize, u8)>(),
        random: bool,
    ) {
        let info = reply(6, 7, 1, 0, &message::irq_info());
        let mut replies = [greetings(), vec![word(5, 0, 1), info]].concat();
        if random {
            replies[place] = bytes;
        } else {
            let length = replies[place].len();
            replies[place][flip.0 % length] ^= flip.1;
        }
        let (stream, server) = serve(replies);
        let began = Instant::now();
        let outcome = Client::greet(stream, SHORT)
            .and_then(|mut client| client.read32(Region::Bar0, 0).and_then(|_| client.vectors()));
        prop_assert!(began.elapsed() < Duration::from_secs(2), "{:?}", outcome);
        // Dropping what is left of the client ends the server.
        drop(outcome);
        server.join().expect("no panic");
    }
}
