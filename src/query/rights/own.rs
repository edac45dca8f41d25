//! Arrays that have no byte of other rows. Selecting rows copies no texts: the array of the selected ones points into the same
//! pages of a file, where the texts of other rows are. And where a row has no value, the value of another row may be left in
//! its place. Arrow's format writes both as they are, and the memory that a plan measures counts them.

use std::sync::Arc;

use arrow::array::{Array, ArrayData, ArrayRef, AsArray, make_array, new_null_array};
use arrow::compute::{cast, interleave};
use arrow::datatypes::DataType;
use datafusion::error::Result;

/// The same values in an array of their own. Its other parts are those of a selection, which copies them.
pub(super) fn own(array: &ArrayRef) -> Result<ArrayRef> {
    let array = &without_left_over(array)?;
    Ok(match array.data_type() {
        DataType::Utf8View => Arc::new(array.as_string_view().gc()),
        DataType::BinaryView => Arc::new(array.as_binary_view().gc()),
        // A dictionary of only these values.
        DataType::Dictionary(_, values) => cast(&cast(array, values)?, array.data_type())?,
        kind if kind.is_nested() => {
            let data = array.to_data();
            let copied = |child: &ArrayData| Ok(own(&make_array(child.clone()))?.to_data());
            let children = data.child_data().iter().map(copied).collect::<Result<Vec<_>>>()?;
            make_array(data.into_builder().child_data(children).build()?)
        }
        _ => Arc::clone(array),
    })
}

/// The same values, with nothing in the place of those that are missing.
fn without_left_over(array: &ArrayRef) -> Result<ArrayRef> {
    if array.null_count() == 0 {
        return Ok(Arc::clone(array));
    }
    let missing = new_null_array(array.data_type(), 1);
    let place = |row: usize| if array.is_null(row) { (1, 0) } else { (0, row) };
    let places: Vec<(usize, usize)> = (0..array.len()).map(place).collect();
    Ok(interleave(&[array, &missing], &places)?)
}

#[cfg(test)]
mod tests {
    use arrow::array::{
        BooleanArray, DictionaryArray, Int64Array, ListArray, RecordBatch, StringArray, StringViewArray, UInt32Array,
    };
    use arrow::buffer::{NullBuffer, OffsetBuffer};
    use arrow::compute::take_record_batch;
    use arrow::datatypes::{Field, Int32Type};
    use arrow::ipc::writer::StreamWriter;

    use super::*;

    /// The bytes that Arrow's format has of a column.
    fn written(array: ArrayRef) -> Vec<u8> {
        let batch = RecordBatch::try_from_iter([("column", array)]).unwrap();
        let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema()).unwrap();
        writer.write(&batch).unwrap();
        writer.into_inner().unwrap()
    }

    fn has(bytes: &[u8], text: &str) -> bool {
        bytes.windows(text.len()).any(|part| part == text.as_bytes())
    }

    #[test]
    fn no_array_has_a_byte_of_rows_that_were_left_out() {
        let texts = ["seen by everybody here", "hidden from everybody", "also seen by everybody"];
        let views: ArrayRef = Arc::new(StringViewArray::from(texts.to_vec()));
        let field = Arc::new(Field::new_list_field(DataType::Utf8View, true));
        let of_views = ListArray::new(field, OffsetBuffer::from_lengths([1, 1, 1]), Arc::clone(&views), None);
        let dictionary: DictionaryArray<Int32Type> = texts.into_iter().collect();
        let columns: [ArrayRef; 4] =
            [views, Arc::new(StringArray::from(texts.to_vec())), Arc::new(of_views), Arc::new(dictionary)];
        for column in columns {
            let batch = RecordBatch::try_from_iter([("column", Arc::clone(&column))]).unwrap();
            let kept = take_record_batch(&batch, &UInt32Array::from(vec![0, 2])).unwrap();
            let own = own(kept.column(0)).unwrap();
            assert_eq!(own.as_ref(), kept.column(0).as_ref());
            let bytes = written(own);
            let kind = column.data_type();
            assert!(has(&bytes, texts[0]) && has(&bytes, texts[2]) && !has(&bytes, texts[1]), "{kind}");
        }
        // A row without a value, in whose place the one of another row is.
        let nulls = NullBuffer::from(vec![true, false, true]);
        let (views, buffers, _) = StringViewArray::from(texts.to_vec()).into_parts();
        let left_over: ArrayRef = Arc::new(StringViewArray::new(views, buffers, Some(nulls.clone())));
        let bytes = written(own(&left_over).unwrap());
        assert!(has(&bytes, texts[0]) && has(&bytes, texts[2]) && !has(&bytes, texts[1]));
        let number = 0x5a45_4252_4131_3233_i64;
        let numbers: ArrayRef = Arc::new(Int64Array::new(vec![1, number, 3].into(), Some(nulls)));
        assert!(has(&written(Arc::clone(&numbers)), "321ARBEZ") && !has(&written(own(&numbers).unwrap()), "321ARBEZ"));
        let flags: ArrayRef = Arc::new(BooleanArray::from(vec![true, false]));
        assert_eq!(own(&flags).unwrap().as_ref(), flags.as_ref());
    }
}
