use casebook::schedule::deliver::{check_target, connect};

use super::server::{free_port, http, mail, status};
use super::{Project, SECRET, parsed};

const SERVER: &str =
    "server = \"127.0.0.1\"\nsecurity = \"none\"\nfrom = \"care@example.com\"\nrecipients = [\"@example.com\"]\n";

#[test]
fn what_is_wrong_is_found_before_anything_is_rendered() {
    let project = Project::new();
    std::fs::write(project.path().join("file"), "").unwrap();
    let mail = |to: &str| format!("kind = \"email\"\nto = \"{to}\"");
    let hook = |more: &str| format!("kind = \"webhook\"\nurl = \"https://hooks.example.com/x\"\n{more}");
    let cases = [
        ("kind = \"folder\"\npath = \"out/{file}\"".to_owned(), None),
        ("kind = \"folder\"\npath = \"file/{file}\"".to_owned(), Some("file` is not a folder")),
        ("kind = \"folder\"\npath = \"/proc/casebook/{file}\"".to_owned(), Some("nothing can be written into `/proc`")),
        ("kind = \"object\"\nurl = \"s3://reports/{file}\"".to_owned(), None),
        ("kind = \"object\"\nurl = \"ftp://reports/{file}\"".to_owned(), Some("is not the URL of an object")),
        ("kind = \"object\"\nurl = \"reports/{file}\"".to_owned(), Some("is not the URL of an object")),
        (
            "kind = \"object\"\nurl = \"s3://r/{file}\"\nsecrets = { token = { env = \"NO\" } }".to_owned(),
            Some("`NO` is not set"),
        ),
        (mail("eva@example.com"), None),
        (mail("eva@example.org"), Some("`eva@example.org` is not among the `recipients`")),
        (hook("secret = { env = \"SECRET\" }"), None),
        (hook("secret = { file = \"no\" }"), Some("no: no such file or directory")),
        (hook("headers = { authorization = \"Bearer x\" }"), Some("the header `authorization` is a secret")),
        (hook("ca = \"file\""), Some("there is no certificate in PEM in it")),
        ("kind = \"webhook\"\nurl = \"hooks.example.com\"".to_owned(), Some("`url` holds no URL")),
        ("kind = \"command\"\nrun = [\"sh\"]".to_owned(), None),
        ("kind = \"command\"\nrun = [\"./file\"]".to_owned(), Some("`./file` is not a program that can be started")),
        ("kind = \"command\"\nrun = [\"no-such-program-of-casebook\"]".to_owned(), Some("is not a program")),
    ];
    let deliverer = project.deliverer(Some(toml::from_str(SERVER).unwrap()));
    for (target, expected) in cases {
        let checked = check_target("x", &parsed(&target), &deliverer).map_err(|error| error.to_string());
        match (&checked, expected) {
            (Ok(()), None) => {}
            (Err(error), Some(words)) if error.starts_with("target `x`: ") && error.contains(words) => {}
            _ => panic!("{target}: {checked:?}, expected {expected:?}"),
        }
    }
    assert!(check_target("x", &parsed(&mail("eva@example.com")), &project.deliverer(None)).is_err());
}

#[tokio::test]
async fn a_check_of_connections_sends_nothing() {
    let project = Project::new();
    let server = mail(&[]).await;
    let login = "user = \"casebook\"\npassword = { env = \"SECRET\" }\n";
    let settings = |port: u16| toml::from_str(&format!("{SERVER}{login}port = {port}")).unwrap();
    let target = parsed("kind = \"email\"\nto = \"eva@example.com\"");
    connect("x", &target, &project.deliverer(Some(settings(server.port)))).await.unwrap();
    assert!(server.received.lock().unwrap().is_empty());
    let error =
        connect("x", &target, &project.deliverer(Some(settings(free_port().await)))).await.unwrap_err().to_string();
    assert!(error.starts_with("target `x`: mail server `127.0.0.1:") && !error.contains(SECRET), "{error}");

    let server = http(|_| status("200 OK", "", "")).await;
    let hook = |port: u16, scheme: &str| parsed(&format!("kind = \"webhook\"\nurl = \"{scheme}://127.0.0.1:{port}/\""));
    let deliverer = project.deliverer(None);
    connect("x", &hook(server.port, "http"), &deliverer).await.unwrap();
    connect("x", &hook(server.port, "https"), &deliverer).await.unwrap_err();
    connect("x", &hook(free_port().await, "http"), &deliverer).await.unwrap_err();
    assert!(server.received.lock().unwrap().is_empty());

    let listing = "<ListBucketResult><Name>reports</Name><KeyCount>0</KeyCount><IsTruncated>false</IsTruncated></ListBucketResult>";
    let server = http(|_| status("200 OK", "Content-Type: application/xml\r\n", listing)).await;
    let bucket = format!(
        "kind = \"object\"\nurl = \"s3://reports/{{file}}\"\noptions = {{ endpoint = \"http://127.0.0.1:{}\" }}\n\
         secrets = {{ access_key_id = {{ env = \"SECRET\" }}, secret_access_key = {{ env = \"SECRET\" }} }}",
        server.port
    );
    connect("x", &parsed(&bucket), &deliverer).await.unwrap();
    assert!(server.received.lock().unwrap().iter().all(|request| request.line.starts_with("GET ")));
}
