//! Tensors from and to arrays of `ndarray`, whatever way those lie in memory.

use ndarray::{Array, Array0, Array1, Array2, Array3, ArrayD, ArrayView1, ArrayView2, s};
use riesz_core::{Shape, Tensor};

/// 0 to 23 as a 2 × 3 × 4 array.
fn counted() -> Array3<f64> {
    Array::from_iter((0..24).map(f64::from)).into_shape_with_order((2, 3, 4)).unwrap()
}

/// The elements of an array one by one, and its shape.
fn one_by_one<T: riesz_core::Element>(array: &ArrayD<T>) -> Tensor {
    let values = ndarray::indices(array.raw_dim()).into_iter().map(|i| array[i]).collect();
    Tensor::new(values, array.shape()).unwrap()
}

#[test]
fn layouts_of_every_kind() {
    let all = counted();
    let mut turned = counted();
    turned.swap_axes(0, 2);
    let mut reversed = counted();
    reversed.invert_axis(ndarray::Axis(1));
    let owned = [
        all.clone(),
        turned,
        reversed,
        all.clone().slice_move(s![1.., .., ..]), // row-major, but not from the first element on
        all.clone().slice_move(s![..1, .., ..]), // nor to the last
        all.clone().slice_move(s![.., ..;2, 1..3]),
        all.clone().slice_move(s![.., ..0, ..]),
    ];
    for array in owned {
        let expected = one_by_one(&array.clone().into_dyn());
        assert_eq!(Tensor::from(&array), expected);
        assert_eq!(Tensor::from(array.view()), expected);
        assert_eq!(Tensor::from(array), expected);
    }
    assert_eq!(Tensor::from(all.slice(s![1, .., 2])), Tensor::from([14.0, 18.0, 22.0]));
    let row = ndarray::array![1_i32, 2];
    let wide = row.broadcast((2, 2)).unwrap();
    assert_eq!(Tensor::from(wide), Tensor::from([[1, 2], [1, 2]]));
    assert_eq!(Tensor::from(Array0::from_elem((), true)), Tensor::from(true));
}

#[test]
fn there_and_back_without_a_copy() {
    let array = ndarray::array![[1.0_f32, 2.0], [3.0, 4.0]];
    let at = array.as_ptr();
    let tensor = Tensor::from(array);
    assert_eq!(tensor.as_slice::<f32>().unwrap().as_ptr(), at);
    assert_eq!(ArrayView2::<f32>::try_from(&tensor).unwrap().as_ptr(), at);
    let shared = tensor.clone();
    let copy = Array2::<f32>::try_from(shared).unwrap();
    assert_ne!(copy.as_ptr(), at);
    assert_eq!(copy, ndarray::array![[1.0, 2.0], [3.0, 4.0]]);
    assert_eq!(ArrayD::<f32>::try_from(tensor).unwrap().as_ptr(), at);
}

#[test]
fn shapes_without_elements_and_numbers() {
    let none = Tensor::full(0_i64, [3, 0, 2]);
    assert_eq!(ndarray::ArrayView3::<i64>::try_from(&none).unwrap().shape(), [3, 0, 2]);
    assert_eq!(Tensor::from(Array3::<i64>::zeros((3, 0, 2))), none);
    let number = Array0::<f64>::try_from(Tensor::from(2.5)).unwrap();
    assert_eq!(number.into_scalar(), 2.5);
    let any = ArrayD::<bool>::try_from(Tensor::full(true, Shape::scalar())).unwrap();
    assert_eq!(any.ndim(), 0);
}

#[test]
fn what_does_not_fit_is_an_error() {
    let tensor = Tensor::from([[1.0, 2.0]]);
    let text = Array2::<f32>::try_from(tensor.clone()).unwrap_err().to_string();
    assert!(text.contains("f64") && text.contains("f32"), "{text}");
    let text = Array1::<f64>::try_from(tensor.clone()).unwrap_err().to_string();
    assert!(text.contains("f64[1,2]") && text.contains("1 axis"), "{text}");
    assert!(ArrayView1::<f64>::try_from(&tensor).is_err());
    let wide = Tensor::full(0.0, [0, 1 << 40, 1 << 40]);
    let text = ArrayD::<f64>::try_from(wide).unwrap_err().to_string();
    assert!(text.contains("cannot have the shape"), "{text}");
}
