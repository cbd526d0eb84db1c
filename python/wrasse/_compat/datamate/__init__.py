"""What operators of DataMate import, written anew with the same names and contracts."""
